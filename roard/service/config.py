"""ConfigService: settings of a project, and variables of its runs. Opens no database."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import config_pb2 as pb
from roar_proto.v1 import config_pb2_grpc

from roard.config import KEYS, VARIABLES, Key, toml_text
from roard.config_edit import key_of, set_value, set_variable, unset_value, unset_variable
from roard.config_file import ConfigFile, read_config, refuse_mistakes
from roard.errors import NoVariable
from roard.projects import check_project
from roard.variables import is_secret, notes_on


class ConfigServicer(config_pb2_grpc.ConfigServiceServicer):
    """See config.proto."""

    async def GetSettings(
        self, request: pb.GetSettingsRequest, context: grpc.ServicerContext
    ) -> pb.GetSettingsResponse:
        check_project(request.project_root)
        keys = [key_of(request.name)] if request.name else KEYS
        config = await asyncio.to_thread(read_config, request.project_root)
        return pb.GetSettingsResponse(
            path=config.path,
            settings=[_setting(config, key) for key in keys],
            problems=[
                pb.ConfigProblem(line=found.line or 0, name=found.name, problem=found.problem, hint=found.hint)
                for found in config.mistakes
            ],
        )

    async def SetSetting(self, request: pb.SetSettingRequest, context: grpc.ServicerContext) -> pb.SetSettingResponse:
        check_project(request.project_root)
        await asyncio.to_thread(set_value, request.project_root, request.name, request.value)
        config = await asyncio.to_thread(read_config, request.project_root)
        return pb.SetSettingResponse(path=config.path, setting=_setting(config, key_of(request.name)))

    async def UnsetSetting(
        self, request: pb.UnsetSettingRequest, context: grpc.ServicerContext
    ) -> pb.UnsetSettingResponse:
        check_project(request.project_root)
        changed = await asyncio.to_thread(unset_value, request.project_root, request.name)
        config = await asyncio.to_thread(read_config, request.project_root)
        known = [_setting(config, key) for key in KEYS if key.name == request.name]
        return pb.UnsetSettingResponse(path=config.path, setting=known[0] if known else None, changed=changed)

    async def ListVariables(
        self, request: pb.ListVariablesRequest, context: grpc.ServicerContext
    ) -> pb.ListVariablesResponse:
        check_project(request.project_root)
        config = await asyncio.to_thread(read_config, request.project_root)
        refuse_mistakes(config, VARIABLES)
        if request.name and request.name not in config.variables:
            raise NoVariable(request.name, tuple(config.variables))
        variables = [
            pb.Variable(name=name, value=value, secret=is_secret(name, value))
            for name, value in config.variables.items()
            if request.name in {"", name}
        ]
        return pb.ListVariablesResponse(path=config.path, variables=variables)

    async def SetVariable(
        self, request: pb.SetVariableRequest, context: grpc.ServicerContext
    ) -> pb.SetVariableResponse:
        check_project(request.project_root)
        path = await asyncio.to_thread(set_variable, request.project_root, request.name, request.value)
        return pb.SetVariableResponse(path=path, notes=notes_on(request.name, request.value))

    async def UnsetVariable(
        self, request: pb.UnsetVariableRequest, context: grpc.ServicerContext
    ) -> pb.UnsetVariableResponse:
        check_project(request.project_root)
        path = await asyncio.to_thread(unset_variable, request.project_root, request.name)
        return pb.UnsetVariableResponse(path=path)


def _setting(config: ConfigFile, key: Key) -> pb.Setting:
    given = config.settings.get(key.name)
    return pb.Setting(
        name=key.name,
        value=toml_text(given.value if given else key.default),
        default_value=toml_text(key.default),
        # Where a look at the text did not find it, it stands somewhere all the same.
        line=(given.line or 1) if given else 0,
        allowed=[toml_text(value) for value in key.allowed],
        about=key.about,
    )
