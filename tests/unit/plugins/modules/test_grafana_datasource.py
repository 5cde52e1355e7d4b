# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A data source is pushed to a stand-in for Grafana that keeps it; its secrets can be written and never be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _secret_mark as secret_mark
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.modules import grafana_datasource
from support.modules import run_module
from support.shared_grafana import SharedGrafana

VERSIONS = ("9.5.0", "10.4.0", "11.6.0", "12.4.0", "13.1.0")
UID = "claude-code-loki"
PATH = f"/api/datasources/uid/{UID}"
LOKI: dict[str, Any] = {
    "uid": UID,
    "name": "Claude Code Loki",
    "type": "loki",
    "ds_url": "http://127.0.0.1:3100",
    "json_data": {"httpHeaderName1": "X-Scope-OrgID", "derivedFields": [{"name": "trace", "url": "x"}]},
}
SECRETS = {"basicAuthPassword": "correct-horse-battery", "httpHeaderValue1": "staple-of-a-tenant"}
SIGNED = {**LOKI, "basic_auth": True, "basic_auth_user": "grafana", "secure_json_data": SECRETS}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)
    monkeypatch.setattr(secret_mark, "ITERATIONS", 10)


@pytest.fixture(params=["11.6.0"])
def server(request: pytest.FixtureRequest) -> Iterator[SharedGrafana]:
    with SharedGrafana(request.param) as running:
        yield running


every_version = pytest.mark.parametrize("server", VERSIONS, indirect=True)


def push(server: SharedGrafana, **options: Any) -> dict[str, Any]:
    """What the module says; result["sent"] are the requests that write, as methods and paths."""
    server.requests.clear()
    result = run_module(grafana_datasource, url=server.url, token=server.token, **options)
    for secret in (server.token, *SECRETS.values()):
        assert secret not in result["printed"]
    return {**result, "sent": [(method, path) for method, path, _body in server.writes]}


def refused(server: SharedGrafana, **options: Any) -> str:
    """The message of a push that fails without having written anything."""
    result = push(server, **options)
    assert result["failed"]
    assert result["sent"] == []
    return result["msg"]


def unchanged(server: SharedGrafana, **options: Any) -> bool:
    """Whether the same again changes nothing and writes nothing."""
    result = push(server, **options)
    assert "msg" not in result, result["msg"]
    assert result["diff"]["before"] == result["diff"]["after"]
    return (result["changed"], result["action"], result["differences"], result["sent"]) == (False, "none", [], [])


def stored(server: SharedGrafana, uid: str = UID) -> dict[str, Any]:
    return server.ask("GET", f"/api/datasources/uid/{uid}")


def edit(server: SharedGrafana, uid: str = UID, *, secrets: dict[str, str] | None = None, **changes: Any) -> None:
    """As somebody saves it on Grafana's pages, which send what they have read."""
    body = {**stored(server, uid), **changes}
    server.ask("PUT", f"/api/datasources/uid/{uid}", {**body, **({"secureJsonData": secrets} if secrets else {})})


def theirs(server: SharedGrafana, uid: str, name: str, **fields: Any) -> None:
    body = {"uid": uid, "name": name, "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:9090"}
    server.ask("POST", "/api/datasources", {**body, **fields})


def secrets_in(server: SharedGrafana) -> dict[str, str]:
    return server.state.sources[UID].secrets


# --- what it is for ---------------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("wanted", [LOKI, SIGNED], ids=["plain", "signed"])
def test_a_data_source_is_made_and_the_same_again_writes_nothing(server, wanted) -> None:
    foreseen = push(server, check_mode=True, **wanted)
    assert (foreseen["sent"], server.state.sources) == ([], {})
    done = push(server, **wanted)
    assert done["sent"] == [("POST", "/api/datasources")]
    for result in (foreseen, done):
        assert [result[name] for name in ("changed", "action", "uid", "differences")] == [True, "create", UID, []]
    assert foreseen["diff"] == done["diff"]
    kept = stored(server)
    assert [kept[name] for name in ("name", "type", "access", "url")] == [
        *("Claude Code Loki", "loki", "proxy", "http://127.0.0.1:3100")
    ]
    assert secrets_in(server) == wanted.get("secure_json_data", {})
    assert unchanged(server, **wanted)
    assert unchanged(server, check_mode=True, **wanted)


@every_version
def test_drift_is_repaired_and_what_is_not_ours_stays(server) -> None:
    push(server, **SIGNED)
    kept = stored(server)["jsonData"]
    edit(
        server,
        url="http://127.0.0.1:3101",
        user="somebody",
        basicAuth=False,
        jsonData={**kept, "derivedFields": [], "maxLines": 500},
        secrets={"tlsClientKey": "theirs"},
    )
    foreseen = push(server, check_mode=True, **SIGNED)
    done = push(server, **SIGNED)
    for result in (foreseen, done):
        assert result["action"] == "update"
        assert result["differences"] == [
            *("url", "basicAuth", "jsonData.derivedFields[trace]"),
            *("secureJsonData.basicAuthPassword", "secureJsonData.httpHeaderValue1"),
        ]
    assert (foreseen["version"], done["version"], done["sent"]) == (2, 3, [("PUT", PATH)])
    after = stored(server)
    assert [after[name] for name in ("url", "user", "basicAuth")] == ["http://127.0.0.1:3100", "somebody", True]
    assert after["jsonData"]["maxLines"] == 500
    assert secrets_in(server) == {**SECRETS, "tlsClientKey": "theirs"}
    assert unchanged(server, **SIGNED)


def test_a_key_is_removed_by_null_and_a_secret_by_an_empty_one(server) -> None:
    push(server, **SIGNED)
    wanted = {"json_data": {"httpHeaderName1": None}, "secure_json_data": {"httpHeaderValue1": ""}, "uid": UID}
    done = push(server, **wanted)
    assert done["differences"] == ["jsonData.httpHeaderName1", "secureJsonData.httpHeaderValue1"]
    assert "httpHeaderName1" not in stored(server)["jsonData"]
    assert [*secrets_in(server)] == ["basicAuthPassword"]
    assert unchanged(server, **wanted)


def test_it_is_found_by_its_name(server) -> None:
    wanted = {name: value for name, value in LOKI.items() if name != "uid"}
    made = push(server, **wanted)
    assert made["uid"] in server.state.sources
    assert push(server, check_mode=True, **{**wanted, "name": "Other"})["uid"] == ""
    assert unchanged(server, **wanted)
    assert push(server, **wanted, user="a")["uid"] == made["uid"]
    assert push(server, name="Claude Code Loki", state="absent")["action"] == "delete"


def test_it_gets_another_name_but_not_somebody_elses(server) -> None:
    push(server, **LOKI)
    theirs(server, "theirs", "Taken")
    assert push(server, **{**LOKI, "name": "New"})["differences"] == ["name"]
    complaint = 'The name "Taken" belongs to the data source with the uid "theirs"'
    assert complaint in refused(server, **{**LOKI, "name": "Taken"})
    assert complaint in refused(server, **{**LOKI, "name": "Taken", "uid": "further"}, check_mode=True)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown_and_each_is_named(server) -> None:
    diff = push(server, **SIGNED)["diff"]
    assert diff["after"]["secureJsonData"] == dict.fromkeys(SECRETS, "to be written")
    changed = {**SIGNED, "secure_json_data": {**SECRETS, "basicAuthPassword": "another-horse-battery"}}
    result = push(server, **changed)
    assert "another-horse-battery" not in result["printed"]
    assert result["diff"]["before"]["secureJsonData"] == dict.fromkeys(SECRETS, "set")
    assert result["diff"]["after"]["secureJsonData"] == dict.fromkeys(SECRETS, "to be written")
    assert "ansibleSecrets" not in result["printed"]


@every_version
def test_a_changed_secret_is_seen(server) -> None:
    push(server, **SIGNED)
    changed = {**SIGNED, "secure_json_data": {**SECRETS, "basicAuthPassword": "another-horse-battery"}}
    assert push(server, check_mode=True, **changed)["changed"]
    assert push(server, **changed)["differences"] == [f"secureJsonData.{key}" for key in SECRETS]
    assert secrets_in(server)["basicAuthPassword"] == "another-horse-battery"
    assert unchanged(server, **changed)


@every_version
def test_a_save_on_grafanas_pages_makes_secrets_doubtful(server) -> None:
    push(server, **SIGNED)
    edit(server, secrets={"basicAuthPassword": "theirs"})
    assert push(server, **SIGNED)["differences"] == [f"secureJsonData.{key}" for key in SECRETS]
    assert secrets_in(server) == SECRETS
    assert unchanged(server, **SIGNED)


def test_our_own_save_of_something_else_leaves_no_doubt(server) -> None:
    push(server, **SIGNED)
    for wanted in ({**SIGNED, "user": "a"}, {"uid": UID, "user": "b"}):
        push(server, **wanted)
        assert "secureJsonData" not in server.writes[-1][2]
    assert unchanged(server, **{**SIGNED, "user": "b"})


@pytest.mark.parametrize("update_secrets", ["on_create", "on_change"])
def test_a_secret_that_lacks_is_written(server, update_secrets) -> None:
    wanted = {**SIGNED, "update_secrets": update_secrets}
    push(server, **wanted)
    # Without a version, as a program that knows nothing of them.
    server.ask("PUT", PATH, {**stored(server), "version": 0, "secureJsonData": {"httpHeaderValue1": ""}})
    assert "secureJsonData.httpHeaderValue1" in push(server, **wanted)["differences"]
    assert secrets_in(server) == SECRETS
    assert unchanged(server, **wanted)


def test_secrets_are_written_once_or_always_without_a_mark(server) -> None:
    once, always = ({**SIGNED, "update_secrets": when} for when in ("on_create", "always"))
    push(server, **once)
    assert "ansibleSecrets" not in stored(server)["jsonData"]
    changed = {"basicAuthPassword": "another-horse-battery"}
    assert unchanged(server, **{**once, "secure_json_data": changed})
    assert secrets_in(server) == SECRETS
    for _time in range(2):
        done = push(server, **always)
        assert (done["changed"], done["sent"]) == (True, [("PUT", PATH)])
        assert push(server, check_mode=True, **always)["changed"]
    push(server, **SIGNED)
    assert "ansibleSecrets" in stored(server)["jsonData"]
    push(server, **always)
    assert "ansibleSecrets" not in stored(server)["jsonData"]


@pytest.mark.parametrize("secrets", [SECRETS, {}])
def test_a_mark_goes_with_the_first_write_of_those_who_keep_none(server, secrets) -> None:
    push(server, **SIGNED)
    push(server, **{**SIGNED, "secure_json_data": secrets, "update_secrets": "on_create", "user": "a"})
    assert "ansibleSecrets" not in stored(server)["jsonData"]


def test_the_mark_holds_no_secret(server) -> None:
    push(server, **SIGNED)
    text = json.dumps(stored(server)["jsonData"]["ansibleSecrets"])
    assert '"version": 1' in text
    assert not any(secret in text for secret in SECRETS.values())


# --- the default ------------------------------------------------------------------------------------------------------


def test_the_flag_of_the_default_moves_and_that_is_told(server, capsys) -> None:
    theirs(server, "prometheus", "Prometheus", isDefault=True)
    server.state.sources["prometheus"].read_only = True
    wanted = {**LOKI, "is_default": True}
    for check_mode in (True, False):
        assert push(server, check_mode=check_mode, **wanted)["former_default"] == "prometheus"
    told = capsys.readouterr().err
    assert '"Claude Code Loki" is the default data source now, in place of "Prometheus"' in told
    assert "it takes the flag back when Grafana starts" in told
    assert stored(server)["isDefault"]
    assert unchanged(server, **wanted)
    assert unchanged(server, **LOKI)
    # Grafana has started, and its file said so.
    server.state.sources["prometheus"].fields["isDefault"] = True
    server.state.sources[UID].fields["isDefault"] = False
    again = push(server, **wanted)
    assert (again["differences"], again["former_default"]) == (["isDefault"], "prometheus")
    done = push(server, **{**LOKI, "is_default": False})
    assert (done["differences"], "former_default" in done) == (["isDefault"], False)
    assert "is no longer the default data source, and no other one is" in capsys.readouterr().err


# --- others at work ---------------------------------------------------------------------------------------------------


@every_version
def test_an_edit_in_between_is_not_lost(server) -> None:
    push(server, **LOKI)
    server.before_writes = [lambda: edit(server, user="somebody")]
    result = push(server, **{**LOKI, "ds_url": "http://127.0.0.1:3101"})
    assert 'refused to change the data source "claude-code-loki" (409)' in result["msg"]
    assert "already been updated by someone else" in result["msg"]
    assert stored(server)["user"] == "somebody"


@every_version
def test_a_lost_answer_is_looked_for(server) -> None:
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, **SIGNED)["version"] == 1
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, **SIGNED, user="a")["version"] == 2
    assert unchanged(server, **SIGNED, user="a")
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, uid=UID, state="absent")["action"] == "delete"
    assert server.state.sources == {}


def test_another_save_after_a_lost_answer_is_no_success(server) -> None:
    push(server, **LOKI)
    server.before_writes = [lambda: server.fail_next("lost"), lambda: edit(server, url="http://127.0.0.1:9")]
    assert "(409)" in push(server, **LOKI, user="a")["msg"]


@pytest.mark.parametrize("update_secrets", ["on_change", "always"])
def test_the_same_save_in_between_is_as_good_as_ours_but_for_secrets(server, update_secrets) -> None:
    wanted = {**SIGNED, "update_secrets": update_secrets}
    push(server, **wanted)
    server.before_writes = [lambda: edit(server, user="a")]
    result = push(server, **wanted, user="a")
    assert "(409)" in result["msg"]
    push(server, **LOKI)
    server.before_writes = [lambda: edit(server, user="b")]
    assert push(server, **LOKI, user="b")["changed"]


def test_an_answer_that_was_lost_had_the_secrets(server) -> None:
    wanted = {**SIGNED, "update_secrets": "always"}
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, **wanted)["version"] == 1
    assert secrets_in(server) == SECRETS


def test_reading_another_data_source_is_no_success(server) -> None:
    push(server, **LOKI)
    theirs(server, "theirs", "Theirs")
    server.fail_next("", (200, stored(server, "theirs")))
    assert 'answers with the data source "theirs" instead of "claude-code-loki"' in refused(server, **LOKI)


def test_an_answer_about_another_data_source_is_no_success(server) -> None:
    theirs(server, "theirs", "Theirs")
    server.before_writes = [lambda: server.fail_next((200, {"datasource": stored(server, "theirs")}))]
    assert 'answers with the data source "theirs" instead of "claude-code-loki"' in push(server, **LOKI)["msg"]


def test_what_a_file_provides_is_left_and_explained(server) -> None:
    push(server, **LOKI)
    server.state.sources[UID].read_only = True
    assert unchanged(server, **LOKI)
    for options in ({**LOKI, "user": "a"}, {"uid": UID, "state": "absent"}, SIGNED):
        for check_mode in (True, False):
            text = refused(server, check_mode=check_mode, **options)
            assert "is provided by a file on the host of Grafana" in text
            assert "editable: true" in text


# --- absent, and options ----------------------------------------------------------------------------------------------


@every_version
def test_a_data_source_is_taken_away_once(server) -> None:
    push(server, **SIGNED)
    assert push(server, uid=UID, state="absent", check_mode=True)["action"] == "delete"
    assert UID in server.state.sources
    done = push(server, uid=UID, state="absent")
    assert (done["changed"], done["sent"], done["diff"]["after"]) == (True, [("DELETE", PATH)], {})
    assert "version" not in done
    for options in ({"uid": UID}, {"name": "Claude Code Loki"}):
        again = push(server, state="absent", **options)
        assert (again["changed"], again["action"], again["sent"]) == (False, "none", [])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"uid": UID}, f'has no data source "{UID}". Give name and type too'),
        ({"name": "Loki"}, 'has no data source "Loki". Give type too'),
        ({**LOKI, "json_data": {"ansibleSecrets": {}}}, "which this module keeps itself"),
        ({**LOKI, "secure_json_data": {"a": True, "b": "c"}}, "holds what is no text in a. Write it in quotes"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_cannot_be_meant_is_named(server, options, complaint, check_mode) -> None:
    assert complaint in refused(server, check_mode=check_mode, **options)


def test_a_number_is_a_secret_too(server) -> None:
    push(server, **LOKI, secure_json_data={"httpHeaderValue1": 4711})
    assert secrets_in(server) == {"httpHeaderValue1": "4711"}


def test_an_address_that_lacks_is_asked_for_by_its_option(server) -> None:
    push(server, uid=UID, name="Loki", type="loki")
    result = push(server, uid=UID, user="a")
    assert (
        "(400): Validation error, invalid URL. Give the address of the data source's own server as ds_url"
        in (result["msg"])
    )
