"""SOAP 1.2, WS-Addressing and MTOM/XOP: bytes to objects and back, without any I/O (ITI TF-2: Appendix V)."""
