#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollup_backfill
short_description: Fill in the rollups of a past that had none
version_added: 0.1.0
description:
  - Computes what the rollups of the catalogue lack, for the time before their rules were introduced or while they could
    not be evaluated, and puts it into Prometheus' data.
  - What is there already is not added again. Windows whose last pass is still to come are left to the rules.
  - Histograms have no past, because C(promtool) cannot write them.
extends_documentation_fragment:
  - observability.claude_code.stack.prometheus
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
options:
  delivery:
    description: How the metrics reach Prometheus.
    type: str
    choices: [otlp, scrape, remote_write]
    default: otlp
  data_dir:
    description: The folder with Prometheus' data, on the target host.
    type: path
    required: true
  promtool:
    description: The program C(promtool) of the same version.
    type: path
    required: true
  days:
    description: How many days to go back.
    type: int
    default: 30
  timeout:
    description: Seconds to wait for each answer.
    type: float
    default: 120.0
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Fill in the last three months
  observability.claude_code.rollup_backfill:
    catalogue: "{{ lookup('observability.claude_code.catalogue', 'sources') }}"
    prometheus: {url: http://127.0.0.1:9090}
    data_dir: /var/lib/claude-code-observability/prometheus
    promtool: /opt/claude-code-observability/bin/promtool
    days: 90
"""

RETURN = r"""
samples:
  description: How many samples lacked.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _stack_options as stack_options
from ansible_collections.observability.claude_code.plugins.module_utils._backfill import Backfill, BackfillError
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Prometheus, ServerError


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            prometheus=dict(type="dict", required=True, options=stack_options.server_spec()),
            catalogue=dict(type="dict", required=True),
            delivery=dict(type="str", choices=list(DELIVERIES), default="otlp"),
            data_dir=dict(type="path", required=True),
            promtool=dict(type="path", required=True),
            days=dict(type="int", default=30),
            timeout=dict(type="float", default=120.0),
        ),
        supports_check_mode=True,
    )
    params = module.params
    try:
        server = Prometheus(stack_options.web_of("Prometheus", params["prometheus"], params["timeout"]))
        backfill = Backfill(server, stack_options.catalogue_of(params), params["delivery"], params["days"])
        if module.check_mode:
            samples = sum(1 for _sample in backfill.lacking())
        else:
            samples = backfill.write(params["promtool"], params["data_dir"], module.run_command)
    except (BackfillError, CatalogueError, ServerError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=samples > 0, samples=samples)


if __name__ == "__main__":
    main()
