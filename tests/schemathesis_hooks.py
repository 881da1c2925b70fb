"""Told to schemathesis when it starts: what the bodies of our contract are that it does not know."""

import schemathesis

schemathesis.serializer.alias(
    ["application/offset+octet-stream", "application/partial-upload"], "application/octet-stream"
)
