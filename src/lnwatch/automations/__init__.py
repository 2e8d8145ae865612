"""What lnwatch would do: one pure module per automation, found by its well-known name `AUTOMATION`."""
