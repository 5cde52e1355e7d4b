# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on the recorded Grafana between the exchanges that are replayed.

Some of it was not recorded, since it was there before or was cleaning up; some of it went through endpoints that the
stand-in does not have.
"""

from __future__ import annotations

from collections.abc import Callable

from support.grafana_replay import Replay, Step
from support.grafana_server_state import ANONYMOUS, Evaluation

BEFORE: dict[str, Step] = {}
NO_DATA = [{"datasource_uid": "prometheus", "ref_id": "A"}, {"datasource_uid": "__expr__", "ref_id": "B,C"}]
UNREACHABLE = (
    '[plugin.downstreamError] failed to query data: Get "http://127.0.0.1:1/api/v1/query?query=vector%281%29&time={}": '
    "dial tcp 127.0.0.1:1: connect: connection refused"
)
NOT_REDUCED = (
    "invalid format of evaluation results for the alert definition C: looks like time series data, "
    "only reduced data can be alerted on."
)
ONE = [({}, True)]
EVALUATIONS = {
    "rec-s-fire": Evaluation(ONE, annotations={"plain": "p", "summary": "value 5 on [no value]"}),
    "rec-s-norm": Evaluation([({}, False)]),
    "rec-s-pend": Evaluation(ONE, pending=True),
    "rec-s-multi": Evaluation([({"event_name": "a"}, True), ({"event_name": "b"}, True)]),
    "rec-s-nodata": Evaluation(without_data=NO_DATA),
    "rec-s-nodata-ok": Evaluation(without_data=NO_DATA),
    "rec-s-nodata-al": Evaluation(without_data=NO_DATA),
    "rec-s-promql": Evaluation(without_data=NO_DATA),
    "rec-s-err": Evaluation(error=UNREACHABLE.format(1795374740)),
    "rec-s-err-ok": Evaluation(error="anything"),
    "rec-s-err-al": Evaluation(error=UNREACHABLE.format(1795374760)),
    "rec-s-logql": Evaluation(
        error="failed to execute query A: parse error at line 1, col 6: syntax error: unexpected $end",
        error_labels={"datasource_uid": "loki", "ref_id": "A"},
    ),
    "rec-s-badcond": Evaluation(error="condition Z does not exist, must be one of [A B C]"),
    "rec-s-unkds": Evaluation(error="failed to build query 'A': data source not found"),
    "rec-s-range": Evaluation(error=NOT_REDUCED),
    "rec-s-tmpl": Evaluation(ONE),
    "rec-s-cost": Evaluation(ONE),
    "rec-s-loki": Evaluation(ONE),
}


def before(case: str) -> Callable[[Step], Step]:
    def add(step: Step) -> Step:
        BEFORE[case] = step
        return step

    return add


def _rename(replay: Replay, old: str, new: str) -> None:
    folder = replay.state.folders.pop(old)
    folder.uid = new
    replay.state.folders[new] = folder


@before("sa.search-empty")
def _from_the_start(replay: Replay) -> None:
    json_data = {"httpMethod": "POST", "timeInterval": "60s"}
    replay.state.add_source(
        "prometheus", "Prometheus", "prometheus", "http://127.0.0.1:9090", isDefault=True, jsonData=json_data
    )
    replay.state.add_source("loki", "Loki", "loki", "http://127.0.0.1:3100")


@before("folder.update-no-version")
def _second_folder(replay: Replay) -> None:
    replay.state.add_folder("rec-f2", "rec folder 2")


@before("dashboard.create")
def _folders_cleaned_up(replay: Replay) -> None:
    _rename(replay, "rec-f2new", "rec-f2")
    for uid in ("rec" + "u" * 37, "rec-fchild", "REC-F1", "rec-fsp", "rec-flong", "rec_f1"):
        del replay.state.folders[uid]


@before("dashboard.move-overwrite")
def _no_dashboard_in_the_way(replay: Replay) -> None:
    del replay.state.dashboards["rec-d1c"]


@before("dashboard.save-without-folder-moves-to-general")
def _nor_in_general(replay: Replay) -> None:
    del replay.state.dashboards["rec-d1d"]


@before("dashboard.no-dashboard-key")
def _moved_back(replay: Replay) -> None:
    replay.again("dashboard.move-overwrite", folderUid="rec-f1")


@before("dashboard.get-imported")
def _imported(replay: Replay) -> None:
    model = replay.by_case["dashboard.get-imported"].response["dashboard"]
    replay.state.add_dashboard(model, "rec-f1")


@before("dashboard.get-after-restore")
def _restored(replay: Replay) -> None:
    replay.again("dashboard.move-overwrite", folderUid="rec-f1")


@before("ds.health-prometheus")
def _unreachable_source(replay: Replay) -> None:
    replay.state.add_source("rec-dsdead", "rec ds dead", "prometheus", "http://127.0.0.1:1", read_only=False)


@before("contact.create-no-type")
def _contact_point_without_name_deleted(replay: Replay) -> None:
    points = replay.state.main.contact_points
    points[:] = [point for point in points if point["name"]]


@before("policy.put")
def _mute_timings(replay: Replay) -> None:
    replay.state.main.mute_timings = {"rec nights", "rec full"}


@before("amconfig.contact-after-change")
def _contact_point_changed_elsewhere(replay: Replay) -> None:
    for point in replay.state.main.contact_points:
        if point["uid"] == "rec-cp-mail":
            point["settings"] = {"addresses": "changed@example.com"}
        # That save gives the first contact point a uid.
        point["uid"] = point["uid"] or replay.state.new_uid()


@before("contact.delete-used")
def _policies_as_before(replay: Replay) -> None:
    replay.again("policy.put")


@before("contact.list-after-clean-up")
def _contact_points_cleaned_up(replay: Replay) -> None:
    points = replay.state.main.contact_points
    points[:] = [point for point in points if point["name"] == "email receiver"]


@before("rule.list-empty")
def _folders_for_rules(replay: Replay) -> None:
    replay.state.add_folder("rec-fa", "rec alerts")
    replay.state.add_folder("rec-fb", "rec alerts b")


@before("rule.create-no-group")
def _rules_of_no_folder_deleted(replay: Replay) -> None:
    for uid in ("rec-runkf", "rec-rnof", "rec-rgen"):
        del replay.state.rules[uid]


@before("rule.list")
def _rules_with_odd_uids_deleted(replay: Replay) -> None:
    for uid in ("rec r/1!", "rec" + "u" * 38):
        del replay.state.rules[uid]


def _rule_of_group(replay: Replay, number: int, case: str = "group.put-add-rule") -> None:
    """Create a rule of a recorded group by itself."""
    rule = replay.by_case[case].request["rules"][number]
    replay.make_rule(rule)


@before("group.put-existing")
def _rules_created_one_by_one(replay: Replay) -> None:
    _rule_of_group(replay, 0)
    _rule_of_group(replay, 1)


@before("group.put-add-rule")
def _another_rule_created(replay: Replay) -> None:
    _rule_of_group(replay, 2)


@before("group.rule-after-disable-provenance")
def _uid_looked_up(replay: Replay) -> None:
    (uid,) = [rule.uid for rule in replay.state.rules.values() if rule.title == "rec gnp one"]
    replay.uids["PI_RZ7gOk"] = uid


@before("state.create-firing")
def _rules_cleaned_up(replay: Replay) -> None:
    replay.state.rules.clear()
    # Two more were made and deleted through another API.
    replay.state.last_rule_id += 2


@before("state.firing")
def _evaluated(replay: Replay) -> None:
    for uid, evaluation in EVALUATIONS.items():
        replay.state.rules[uid].evaluation = evaluation


@before("org.header-folder-create-same-uid")
def _same_folder_in_the_main_organisation(replay: Replay) -> None:
    replay.state.add_folder("rec-forg", "rec folder org")


@before("file.dashboard-get")
def _dashboards_read_from_files(replay: Replay) -> None:
    read = replay.by_case["file.dashboard-get"].response
    folder = replay.state.add_folder("rec-ffile", "rec file folder")
    dashboard = replay.state.add_dashboard(read["dashboard"], folder.uid, read["meta"]["provisionedExternalId"])
    dashboard.created_by = dashboard.updated_by = ANONYMOUS


@before("file.rule-get")
def _rules_read_from_files(replay: Replay) -> None:
    rule = {**replay.by_case["file.rule-update"].request, "for": "0s"}
    replay.make_rule(rule)
    replay.state.rules["rec-file-rule"].provenance = "file"
