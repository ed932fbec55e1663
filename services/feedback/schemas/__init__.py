"""What the routes of feedback take and answer, as the OpenAPI document tells it."""
