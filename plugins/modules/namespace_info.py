#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: namespace_info
short_description: List everything that is in a namespace
version_added: 0.1.0
description:
  - Lists the objects of all kinds that the API of the cluster has, those of custom resources too, so that a namespace
    can be deleted without deleting something unseen with it.
  - What the cluster itself puts into each namespace is left out, and what goes together with its owner, such as the
    pods of a Deployment.
  - Nothing is changed.
extends_documentation_fragment:
  - observability.claude_code.cluster
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: none
    details: Nothing is changed.
options:
  name:
    description: The namespace. One that does not exist has nothing in it.
    type: str
    required: true
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look what is left in the namespace
  observability.claude_code.namespace_info:
    name: monitoring
  register: left

- name: Delete the namespace if it is empty
  kubernetes.core.k8s:
    state: absent
    api_version: v1
    kind: Namespace
    name: monitoring
  when: left.objects | length == 0 and left.unread | length == 0
"""

RETURN = r"""
objects:
  description: What is in the namespace.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Group and version of the object's kind.
      type: str
      sample: apps/v1
    kind:
      description: The object's kind.
      type: str
      sample: Deployment
    name:
      description: The object's name.
      type: str
      sample: otel-collector
    managed_by:
      description: The object's label C(app.kubernetes.io/managed-by), empty where it has none.
      type: str
      sample: Helm
unread:
  description: Kinds that could not be listed, because the user may not or because their API gives no answer.
  returned: success
  type: list
  elements: str
  sample: ["Secret (v1)"]
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.observability.claude_code.plugins.module_utils._cluster_options import (
    access_of,
    connection_spec,
)
from ansible_collections.observability.claude_code.plugins.module_utils._cluster_reading import (
    Cluster,
    ClusterError,
    MissingClientError,
)
from ansible_collections.observability.claude_code.plugins.module_utils._namespace import contents


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(connection_spec(), name=dict(type="str", required=True)),
        supports_check_mode=True,
    )
    try:
        found = contents(Cluster(access_of(module.params)), module.params["name"])
    except MissingClientError as error:
        module.fail_json(msg=f"{missing_required_lib('kubernetes')} {error}")
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, objects=found.objects, unread=found.unread)


if __name__ == "__main__":
    main()
