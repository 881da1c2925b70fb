"""The headers that every request is asked for, ready to be looked up: of a plain text the small
letters are made each time.
"""

from typing import Final

from multidict import istr

AUTHORIZATION: Final = istr("Authorization")
CONTENT_DIGEST: Final = istr("Content-Digest")
CONTENT_ENCODING: Final = istr("Content-Encoding")
CONTENT_LENGTH: Final = istr("Content-Length")
CONTENT_MD5: Final = istr("Content-MD5")
CONTENT_RANGE: Final = istr("Content-Range")
CONTENT_TYPE: Final = istr("Content-Type")
COOKIE: Final = istr("Cookie")
EXPECT: Final = istr("Expect")
HOST: Final = istr("Host")
IDEMPOTENCY_KEY: Final = istr("Idempotency-Key")
IF_MATCH: Final = istr("If-Match")
IF_MODIFIED_SINCE: Final = istr("If-Modified-Since")
IF_NONE_MATCH: Final = istr("If-None-Match")
IF_UNMODIFIED_SINCE: Final = istr("If-Unmodified-Since")
ORIGIN: Final = istr("Origin")
PREFER: Final = istr("Prefer")
RANGE: Final = istr("Range")
REPR_DIGEST: Final = istr("Repr-Digest")
SEC_FETCH_SITE: Final = istr("Sec-Fetch-Site")
TRAILER: Final = istr("Trailer")
TRANSFER_ENCODING: Final = istr("Transfer-Encoding")
UPLOAD_COMPLETE: Final = istr("Upload-Complete")
UPLOAD_INCOMPLETE: Final = istr("Upload-Incomplete")
WANT_REPR_DIGEST: Final = istr("Want-Repr-Digest")
