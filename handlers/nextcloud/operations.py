"""What clients of Nextcloud ask beside WebDAV, as operations of the contract."""

from handlers.operation import Answer, Operation, in_json

OCS = "/ocs/{ocs}/cloud/"


def of_nextcloud() -> tuple[Operation, ...]:
    return (
        Operation("GET", "/status.php", "For Nextcloud clients: is this a server of theirs?", (),
                  (in_json(200, "It speaks their dialect.", "NextcloudStatus"),)),
        Operation("GET", "/index.php/204", "For Nextcloud clients: does it answer at all?", (),
                  (Answer(204, "It does."),)),
        Operation("GET", OCS + "capabilities", "For Nextcloud clients: what can it?", ("ocs",),
                  (in_json(200, "What of their dialect is spoken.", "Capabilities"),),
                  ("not-there",)),
        Operation("GET", OCS + "user", "For Nextcloud clients: who am I?", ("ocs",),
                  (in_json(200, "Your name in their addresses, and your share.", "CloudUser"),),
                  ("not-there",)),
    )  # fmt: skip
