# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `service` keeps programs running with what is in their files, whatever happens in between."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stack import free_ports, until
from support.supervisor import end, lend, processes
from support.tiny import FILES, Site, Tiny, variables


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small program, built by the role itself from its recipe."""
    prefix = tmp_path_factory.mktemp("built")
    site = Site(prefix, [Tiny("tiny", free_ports(1)[0])], variables(prefix))
    try:
        site.play(service_source="go", service_go={"recipe": str(FILES / "recipe")}).well()
        site.play(playbook="remove.yml").well()
    finally:
        end(site.prefix)
    return next((prefix / "cache" / "go").glob("tiny-*/tiny"))


@pytest.fixture(scope="module")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two programs that run; each test changes what it needs."""
    prefix = tmp_path_factory.mktemp("site")
    ports = free_ports(2)
    site = Site(
        prefix,
        [Tiny("one", ports[0]), Tiny("two", ports[1], {"reload": True})],
        {**variables(prefix), "service_source": "path", "service_path": str(built.parent)},
    )
    lend(prefix)
    try:
        site.play().well()
        yield site
    finally:
        end(site.prefix)


@pytest.fixture
def site(shared: Site) -> Site:
    """The two programs, with what the test before this one wrote; where that failed they are set right."""
    for program in shared.programs:
        program.options.pop("interrupt", None)
    answers = [program.ask() for program in shared.programs]
    if not all(a and a.text == p.options.get("text", "first") for a, p in zip(answers, shared.programs, strict=True)):
        shared.play().well()
    return shared


def test_a_second_run_and_check_mode_change_nothing(site: Site) -> None:
    one, two = site.programs
    before = one.now.pid, two.now.pid
    assert site.play(install=True).well().changed == 0
    assert site.play("--check", "--diff", install=True).well().changed == 0
    assert (one.now.pid, two.now.pid) == before


def test_check_mode_on_an_empty_host_tells_of_changes_and_makes_none(built: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "new"
    given = {**variables(prefix), "service_source": "path", "service_path": str(built.parent)}
    new = Site(prefix, [Tiny("one", free_ports(1)[0])], given)
    assert new.play("--check", "--diff").well().changed > 3
    assert not prefix.exists()


def test_a_changed_configuration_restarts_exactly_that_program(site: Site) -> None:
    one, two = site.programs
    before, text = (one.now.pid, two.now.pid), one.now.text
    assert site.play("--check", one={"text": "second"}).well().changed == 2
    assert (one.now.pid, one.now.text) == (before[0], text)
    assert site.play(one={"text": "second"}).well().changed == 2
    assert one.now.text == "second"
    assert one.now.pid != before[0]
    assert two.now.pid == before[1]


def test_a_change_that_needs_a_reload_reloads(site: Site) -> None:
    one, two = site.programs
    before, text = (one.now.pid, two.now.pid), two.now.text
    predicted = site.play("--check", "--diff", only="two", two={"text": "second"}).well()
    assert "action: reload" in predicted.text
    assert two.now.text == text
    assert site.play(only="two").well().changed == predicted.changed == 2
    assert two.now.text == "second"
    assert (one.now.pid, two.now.pid) == before
    assert site.play(only="two").well().changed == 0


def test_changed_environment_restarts_and_stays_out_of_sight(site: Site) -> None:
    one, _two = site.programs
    secret = "s3cret 'with' \"quotes\" $HOME % \\ and `ticks`"
    played = site.play("-vvv", "--diff", only="one", one={"greeting": secret}).well()
    assert one.now.greeting == secret
    assert "s3cret" not in played.text.split("PLAY [", 1)[1]
    assert not [pid for pid in processes(site.prefix) if b"s3cret" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    readable = [path for path in site.prefix.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert not [path for path in readable if b"s3cret" in path.read_bytes()]


def test_a_killed_program_comes_back_by_itself(site: Site) -> None:
    one = site.programs[0]
    before = one.now.pid
    os.kill(before, signal.SIGKILL)
    until(lambda: (answer := one.ask()) and answer.pid != before, 30, "it runs again")
    assert site.play("--check", only="one").well().changed == 0


def test_a_killed_supervisord_is_replaced_and_its_orphans_with_it(site: Site) -> None:
    one, two = site.programs
    orphans = {one.now.pid, two.now.pid}
    os.kill(site.supervisord, signal.SIGKILL)
    assert {one.now.pid, two.now.pid} == orphans
    assert site.play("--check").well().changed > 0
    assert site.play().well().changed > 0
    assert not orphans & set(processes(site.prefix))
    assert {one.now.pid, two.now.pid} < set(processes(site.prefix))
    assert site.play(only="one").well().changed == 0


def test_a_supervisord_without_its_socket_is_replaced(site: Site) -> None:
    before = site.supervisord
    site.socket.unlink()
    site.play().well()
    assert site.supervisord != before
    assert before not in processes(site.prefix)
    assert all(program.ask() for program in site.programs)


def test_files_of_a_machine_that_went_down_do_not_hinder(site: Site) -> None:
    end(site.prefix)
    until(lambda: not processes(site.prefix), 10, "all processes are gone")
    # The process id in the file may be another program's by now.
    (site.prefix / "run" / "supervisord.pid").write_text(f"{os.getpid()}\n")
    site.play().well()
    assert all(program.ask() for program in site.programs)


def test_an_interrupted_play_is_repaired_by_the_next(site: Site) -> None:
    one = site.programs[0]
    before = one.now.pid, one.now.text
    broken = site.play(only="one", one={"text": "third", "interrupt": True})
    assert broken.code != 0
    assert (one.now.pid, one.now.text) == before
    assert site.play(only="one", one={"interrupt": False}).well().changed == 1
    assert one.now.text == "third"


def test_a_failing_start_shows_the_last_lines_and_the_next_step(site: Site) -> None:
    one, two = site.programs
    before = two.now.pid
    failed = site.play(only="one", one={"text": "FAIL"})
    assert failed.code != 0
    assert "one does not stay up" in failed.text
    assert "tiny: the configuration is no good" in failed.text
    assert str(site.prefix / "log" / "one.log") in failed.text
    assert "then run the playbook again" in failed.text
    assert two.now.pid == before
    # The same again fails again: nothing is taken for done.
    assert site.play(only="one").code != 0
    site.play(only="one", one={"text": "first"}).well()
    assert one.now.text == "first"


def test_another_program_that_answers_on_the_port_is_not_taken_for_ours(site: Site, tmp_path: Path) -> None:
    one = site.programs[0]
    (port,) = free_ports(1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    own, one.port = one.port, port
    try:
        failed = site.play(only="one")
    finally:
        one.port = own
        server.shutdown()
        server.server_close()
    assert failed.code != 0
    assert "address already in use" in failed.text
    site.play(only="one").well()


def test_a_running_program_can_be_replaced(site: Site, built: Path, tmp_path: Path) -> None:
    one = site.programs[0]
    before = one.now.pid
    shutil.copy2(built, tmp_path / "tiny")
    with (tmp_path / "tiny").open("ab") as stream:
        stream.write(b"\0")
    assert site.play("--check", only="one", install=True, service_path=str(tmp_path)).well().changed > 0
    assert one.now.pid == before
    site.play(only="one", install=True, service_path=str(tmp_path)).well()
    assert one.now.pid != before
    assert site.play(only="one", install=True, service_path=str(tmp_path)).well().changed == 0
    assert (site.prefix / "bin" / "tiny").read_bytes() == (tmp_path / "tiny").read_bytes()


def test_a_path_too_long_for_a_socket_is_no_obstacle(built: Path, tmp_path: Path) -> None:
    prefix = tmp_path / ("long-" * 20)
    given = {**variables(prefix), "service_source": "path", "service_path": str(built)}
    long = Site(prefix, [Tiny("one", free_ports(1)[0])], given)
    try:
        long.play().well()
        directory = long.socket.parent
        assert directory != prefix / "run"
        assert directory.stat().st_mode & 0o777 == 0o700
        assert long.play().well().changed == 0
        long.play(playbook="remove.yml").well()
        assert not directory.exists()
    finally:
        end(long.prefix)


def test_removing_ends_programs_one_by_one_and_keeps_data(built: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "p"
    given = {**variables(prefix), "service_source": "path", "service_path": str(built.parent)}
    ports = free_ports(2)
    one, two = Tiny("one", ports[0]), Tiny("two", ports[1])
    both = Site(prefix, [one, two], given)
    lend(prefix)
    try:
        both.play().well()
        kept, supervisord = two.now.pid, both.supervisord
        first = Site(prefix, [one], given)
        assert first.play("--check", playbook="remove.yml").well().changed > 0
        assert one.ask()
        first.play(playbook="remove.yml").well()
        assert one.ask() is None
        assert (two.now.pid, both.supervisord) == (kept, supervisord)
        assert first.play(playbook="remove.yml").well().changed == 0
        assert (prefix / "data" / "one").is_dir()
        # Data go with their program, and those of one that went before.
        both.play(playbook="remove.yml", service_remove_data=True).well()
        assert processes(both.prefix) == []
        assert not [name for name in ("one", "two") if (prefix / "data" / name).exists()]
    finally:
        end(both.prefix)
