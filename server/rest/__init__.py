"""What is offered as plain HTTP and JSON, beside the web services."""
