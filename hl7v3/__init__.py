"""HL7 V3 messages of the patient identity feed: elements to objects and back."""
