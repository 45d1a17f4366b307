"""Credentials of object stores as a Prefect block: kept encrypted by the server, named in a run's parameters by reference, and in the
environment of the run, its processes and the cluster that it starts, for as long as it lasts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from prefect.blocks.core import Block, schema_extra
from pydantic import ConfigDict, Field, SecretStr

from curation import storage

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def _closed(schema: dict[str, Any], model: type[Block]) -> None:
    """Prefect takes a parameter for the block or for a reference to one, and of two that fit neither: a reference, an object with
    a key that the block does not have, must not fit a block without needed fields (tried with 3.8.8)."""
    schema_extra(schema, model)
    schema["additionalProperties"] = False


class StorageCredentials(Block):
    """Keys of object stores (s3://, gs://, az://), set as the environment variables that their clients read. What is left
    empty is as the run's environment has it."""

    model_config = ConfigDict(json_schema_extra=_closed)
    _block_type_name: ClassVar[str | None] = "Storage credentials of Syllabus"
    _block_type_slug: ClassVar[str | None] = "syllabus-storage-credentials"

    aws_access_key_id: SecretStr | None = Field(None, title="AWS access key id", description="S3: the key's name.")
    aws_secret_access_key: SecretStr | None = Field(None, title="AWS secret access key", description="S3: the key.")
    aws_session_token: SecretStr | None = Field(
        None, title="AWS session token", description="S3: of a key that is lent for a while."
    )
    aws_default_region: str | None = Field(None, title="AWS region", description="S3: the region, `eu-central-1`.")
    aws_endpoint_url: str | None = Field(
        None, title="AWS endpoint URL", description="Another store that speaks S3: its URL."
    )
    azure_storage_account_name: str | None = Field(None, description="Azure: the account.")
    azure_storage_account_key: SecretStr | None = Field(None, description="Azure: the account's key.")
    azure_storage_sas_token: SecretStr | None = Field(
        None, title="Azure storage SAS token", description="Azure: a signature in place of the key."
    )
    azure_storage_connection_string: SecretStr | None = Field(None, description="Azure: in place of all the others.")
    google_service_account: SecretStr | None = Field(
        None, description="Google: a service account's key file, its JSON."
    )

    def variables(self) -> dict[str, str]:
        """The environment variables, but for Google's, whose is a file's name."""
        values = {
            name.upper(): getattr(self, name) for name in type(self).model_fields if name != "google_service_account"
        }
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in values.items()
            if value
        }


@contextmanager
def in_the_environment(credentials: StorageCredentials | None) -> Iterator[None]:
    """Have the credentials in this process's environment for the block, and stores asked with them."""
    if credentials is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="syllabus-key-") as folder:  # for its owner's eyes alone
        variables = credentials.variables()
        account = credentials.google_service_account
        if account is not None and account.get_secret_value():
            variables[KEY_FILE] = os.path.join(folder, "service-account.json")
            with open(variables[KEY_FILE], "w", encoding="utf-8") as file:
                file.write(account.get_secret_value())
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        storage.reconnect()
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            storage.reconnect()
