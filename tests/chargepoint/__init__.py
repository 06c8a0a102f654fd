"""The ChargePoint side: stanzas, the stream and SOAP, against servers on loopback."""
