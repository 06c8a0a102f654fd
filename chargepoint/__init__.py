"""The ChargePoint network: its event stream and its SOAP API, in the field's own words."""
