"""`python -m services.scoring`: serve it in this process."""

from libs.service.serving import serve
from services.scoring.wiring import PORT, app

if __name__ == "__main__":
    raise SystemExit(serve(app, PORT))
