"""ADT messages of the Patient Identity Feed [ITI-8], and what their acknowledgement says (ITI TF-2: 3.8)."""

from collections.abc import Mapping
from typing import Any

from conformance.names import Names


def adt(names: Names, said: Mapping[str, Any], number: int) -> bytes:
    """Write an ADT message: A01, A04, A05, A08, or A40 with the id that goes under in MRG-1."""
    event = str(said.get("event", "A01"))
    structure = "ADT_A39" if event == "A40" else "ADT_A01"
    control = names.message_id(f"adt{number}").removeprefix("urn:uuid:")[:20]
    survivor = str(said.get("into", said["name"]))
    authority = said.get("root", names.settings.authority)
    segments = {
        "MSH": f"MSH|^~\\&|KIT|CONFORMANCE|REG|XAD|20240102030405||ADT^{event}^{structure}|{control}|P|2.3.1",
        "EVN": f"EVN|{event}|20240102030405",
        "PID": f"PID|||{names.patient_local_id(survivor)}^^^&{authority}&ISO||Kit^Conformance||19700101|F",
    }
    if event == "A40":
        segments["MRG"] = f"MRG|{names.patient_local_id(str(said['name']))}^^^&{names.settings.authority}&ISO"
    else:
        segments["PV1"] = "PV1||O"
    for absent in said.get("without", ()):
        del segments[absent]
    for segment, text in said.get("segments", {}).items():
        segments[segment] = str(text)
    return ("\r".join(segments.values()) + "\r").encode()


def acknowledgement(content: bytes) -> tuple[str, str]:
    """MSA-1 and MSA-2 of an acknowledgement; empty where there are none."""
    for segment in content.decode("utf-8", "replace").replace("\n", "\r").split("\r"):
        fields = segment.split("|")
        if fields[0] == "MSA":
            return fields[1] if len(fields) > 1 else "", fields[2] if len(fields) > 2 else ""
    return "", ""
