"""A report as an alarm of GB/T 28181, the protocol that public security platforms speak.

Only the document (`Notify`, `CmdType` Alarm): whoever runs the SIP gateway puts it into a MESSAGE. `AlarmMethod` 5 is a
video alarm, `AlarmType` 11 the abnormal kind; the clause stands in `AlarmDescription`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element, SubElement, tostring

from privacy.policy import Severity
from privacy.reports.report import Change

MEDIA_TYPE = "application/xml"
ENCODING = "GB18030"
NO_DEVICE = "0" * 20
_METHOD, _TYPE = "5", "11"
_PRIORITY: Mapping[Severity, str] = {
    Severity.CRITICAL: "1",
    Severity.HIGH: "2",
    Severity.MEDIUM: "3",
    Severity.LOW: "4",
}
_CHINA = timezone(timedelta(hours=8))
_DESCRIPTION_CHARACTERS = 500


def alarm(change: Change, devices: Mapping[str, str] | None = None) -> bytes:
    """Return the alarm document.

    Args:
        change: What is told.
        devices: The 20-digit code of each camera in the platform; a camera without one has twenty zeros.
    """
    report = change.report
    notify = Element("Notify")
    law = "；".join(clause.citation for clause in report.clauses)
    fields = {
        "CmdType": "Alarm",
        "SN": str(change.offset % 2**31),
        "DeviceID": (devices or {}).get(report.camera, NO_DEVICE),
        "AlarmPriority": _PRIORITY[report.severity],
        "AlarmMethod": _METHOD,
        "AlarmTime": datetime.fromtimestamp(report.start, _CHINA).strftime("%Y-%m-%dT%H:%M:%S"),
        "AlarmDescription": f"[{law}] {report.summary_zh} {report.camera} {report.name}"[:_DESCRIPTION_CHARACTERS],
    }
    for name, value in fields.items():
        SubElement(notify, name).text = "".join(letter for letter in value if letter.isprintable())
    SubElement(SubElement(notify, "Info"), "AlarmType").text = _TYPE
    xml: bytes = tostring(notify, encoding=ENCODING, xml_declaration=True)
    return xml
