"""`python -m services.feedback`: serve it in this process."""

from libs.service.serving import serve
from services.feedback.wiring import PORT, app

if __name__ == "__main__":
    raise SystemExit(serve(app, PORT))
