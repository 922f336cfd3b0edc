"""What each actor offers, in the words of WSDL 1.1, served at ?wsdl (ITI TF-2: Appendix V.3)."""

from html import escape
from typing import Literal

from ihe.namespaces import HL7, LCM, QUERY, RMD, RS, WSAM, WSDL, WSDL_SOAP12, XDS, XSD
from ihe.transactions import (
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    ITI_44_ADD,
    ITI_44_MERGE,
    ITI_44_REVISE,
    ITI_51,
    ITI_57,
    ITI_61,
    ITI_62,
    ITI_86,
    ITI_92,
    Transaction,
)

Actor = Literal["registry", "repository"]

# What an endpoint answers today, and no more; the name begins its service, port type and operations.
_OFFERS: dict[Actor, tuple[str, tuple[Transaction, ...]]] = {
    "registry": (
        "DocumentRegistry",
        (
            ITI_42,
            ITI_61,
            ITI_18,
            ITI_51,
            ITI_57,
            ITI_62,
            ITI_92,
            ITI_44_ADD,
            ITI_44_REVISE,
            ITI_44_MERGE,
        ),
    ),
    "repository": ("DocumentRepository", (ITI_41, ITI_43, ITI_86)),
}
_PREFIXES = {HL7: "hl7", LCM: "lcm", QUERY: "query", RMD: "rmd", RS: "rs", XDS: "xds"}
_SCHEMA_FILES = {
    HL7: "feed.xsd", LCM: "lcm.xsd", QUERY: "query.xsd", RMD: "rmd.xsd", RS: "rs.xsd", XDS: "xds.b.xsd"
}  # fmt: skip


def document(actor: Actor, address: str) -> bytes:
    """Write the WSDL of an actor that is reached at this address (WSDL 1.1, its SOAP 1.2 binding)."""
    name, transactions = _OFFERS[actor]
    prefixes = "".join(f'\n    xmlns:{prefix}="{namespace}"' for namespace, prefix in _PREFIXES.items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="{name}" targetNamespace="{XDS}"
    xmlns:wsdl="{WSDL}"
    xmlns:soap12="{WSDL_SOAP12}"
    xmlns:wsam="{WSAM}"
    xmlns:xs="{XSD}"{prefixes}>
  <wsdl:types>
    <xs:schema elementFormDefault="qualified">{"".join(map(_import, _namespaces(transactions)))}
    </xs:schema>
  </wsdl:types>{"".join(map(_messages, transactions))}
  <wsdl:portType name="{name}_PortType">{"".join(map(_operation, transactions))}
  </wsdl:portType>
  <wsdl:binding name="{name}_Binding_Soap12" type="xds:{name}_PortType">
    <soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>\
{"".join(map(_bound_operation, transactions))}
  </wsdl:binding>
  <wsdl:service name="{name}_Service">
    <wsdl:port name="{name}_Port_Soap12" binding="xds:{name}_Binding_Soap12">
      <soap12:address location="{escape(address)}"/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
""".encode()


def _namespaces(transactions: tuple[Transaction, ...]) -> list[str]:
    roots = [root for row in transactions for root in (row.request_root, row.response_root)]
    return sorted({namespace for namespace, _local in roots})


def _import(namespace: str) -> str:
    # Relative, so that it holds behind any proxy: /registry?wsdl leads to /schemas/rs.xsd.
    return f"""
      <xs:import namespace="{namespace}" schemaLocation="schemas/{_SCHEMA_FILES[namespace]}"/>"""


def _messages(row: Transaction) -> str:
    name = _message_name(row)
    return f"""
  <wsdl:message name="{name}_Message">
    <wsdl:part name="body" element="{_element(row.request_root)}"/>
  </wsdl:message>
  <wsdl:message name="{name}Response_Message">
    <wsdl:part name="body" element="{_element(row.response_root)}"/>
  </wsdl:message>"""


def _operation(row: Transaction) -> str:
    name = _message_name(row)
    return f"""
    <wsdl:operation name="{row.operation}">
      <wsdl:documentation>{row.number} {row.name}</wsdl:documentation>
      <wsdl:input message="xds:{name}_Message" wsam:Action="{row.action}"/>
      <wsdl:output message="xds:{name}Response_Message" wsam:Action="{row.response_action}"/>
    </wsdl:operation>"""


def _bound_operation(row: Transaction) -> str:
    return f"""
    <wsdl:operation name="{row.operation}">
      <soap12:operation soapActionRequired="false"/>
      <wsdl:input><soap12:body use="literal"/></wsdl:input>
      <wsdl:output><soap12:body use="literal"/></wsdl:output>
    </wsdl:operation>"""


def _message_name(row: Transaction) -> str:
    return row.operation.partition("_")[2]


def _element(root: tuple[str, str]) -> str:
    namespace, local = root
    return f"{_PREFIXES[namespace]}:{local}"
