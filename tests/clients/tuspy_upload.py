"""Uploads a file by tuspy, as a script would: python tuspy_upload.py ENDPOINT FILE OPTIONS"""

import json
import sys
from pathlib import Path

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

endpoint, path, options = sys.argv[1:]
uploader = TusClient(endpoint).uploader(
    path,
    metadata={"filename": Path(path).name},
    retries=30,
    retry_delay=0.2,
    chunk_size=4 << 20,
    **json.loads(options),
)
try:
    uploader.upload()
except TusCommunicationError as error:
    print(json.dumps({"error": str(error), "status": error.status_code}))
else:
    print(json.dumps({"url": uploader.url}))
