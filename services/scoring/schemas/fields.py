"""The kinds of field that parameters and answers are made of."""

from typing import Annotated

from pydantic import Field

from libs.events.currencies import Currency

InCurrency = Annotated[Currency | None, Field(description="ISO 4217; may be left out where there is only one")]
Number = int | float
