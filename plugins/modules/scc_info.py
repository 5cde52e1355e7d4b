#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scc_info
short_description: Find SecurityContextConstraints that keep pods from being admitted
version_added: 0.1.0
description:
  - OpenShift 4.10 and later reads every SCC of the cluster before it admits a pod, whoever may use it, and refuses the
    pod where one of them is malformed. So one SCC that a chart left behind, such as V(MustRunAs) without a user, blocks
    all new pods of the cluster. The API takes it without a word.
  - All SCCs are judged and all that is wrong with each is told, with the field, the namespaces that are affected, and
    what to do. The API server itself names the first fault only.
  - An SCC may take users, groups and the SELinux level from annotations of the pod's namespace. Where a namespace lacks
    one or it cannot be read, pods are refused in that namespace alone, and the namespace is what has to be mended.
  - With O(src) or O(definition) manifests are judged before they are applied, such as the output of C(helm template),
    and no cluster is read. Namespaces among them count as well. What OpenShift itself adds is not missed there, such as
    the annotations of a namespace that is still to be made.
  - Nothing is changed. Problems are no failure of the module; see RV(valid).
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
  src:
    description:
      - Manifests on the target host, as files of YAML or JSON with one or several documents.
      - A folder stands for all files below it that end in C(.yaml), C(.yml) or C(.json).
    type: list
    elements: path
  definition:
    description:
      - Manifests as text, as an object, or as a list of these.
      - Like any option it may be logged on the target host. Take Secrets out of it first, as in the example.
    type: raw
  namespaces:
    description:
      - Names of the namespaces whose annotations matter. All when not set.
      - Those named are read one by one, so no right to list all is needed. One that does not exist is passed over.
      - With V([]) no namespace is looked at.
    type: list
    elements: str
notes:
  - Reading a cluster takes the rights to list C(securitycontextconstraints.security.openshift.io), and to list
    C(namespaces) or get those in O(namespaces).
  - A pod with the annotation C(openshift.io/required-scc) is judged by the SCC that it names alone, and is made
    in spite of what is wrong with others.
  - Reading YAML takes the Python package C(PyYAML) on the target host, which C(kubernetes) brings.
seealso:
  - name: Managing security context constraints
    description: What an SCC is, and those that OpenShift has by itself.
    link: https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/authentication_and_authorization/managing-pod-security-policies
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at the cluster's constraints
  observability.claude_code.scc_info:
    kubeconfig: ~/.kube/config
    context: production
  register: constraints

- name: Stop where one would keep pods from being admitted
  ansible.builtin.assert:
    that: constraints.valid
    fail_msg: "{{ constraints.summary }} {{ constraints.problems | map(attribute='remedy') | unique | join(' ') }}"

- name: Look at what matters to one namespace, without the right to list all
  observability.claude_code.scc_info:
    namespaces: [monitoring]

- name: Judge a chart before it is upgraded
  observability.claude_code.scc_info:
    definition: "{{ rendered.stdout | from_yaml_all | select | selectattr('kind', 'in', judged) }}"
  vars:
    judged: [SecurityContextConstraints, Namespace]

- name: Judge manifests in a folder
  observability.claude_code.scc_info:
    src: [manifests]
"""

RETURN = r"""
available:
  description: Whether there is an API of SecurityContextConstraints, which only OpenShift has. V(true) for manifests.
  returned: success
  type: bool
valid:
  description: Whether there is no problem whose RV(problems[].severity) is V(error).
  returned: success
  type: bool
summary:
  description: The result in a sentence.
  returned: success
  type: str
  sample: >-
    15 SecurityContextConstraints and 62 namespaces: no new pod is admitted in any namespace because of loki-minio
    (runAsUser.uid).
checked:
  description: How many SCCs were judged.
  returned: success
  type: int
namespaces_checked:
  description: How many namespaces. Those that are being deleted do not count.
  returned: success
  type: int
problems:
  description: All that is wrong, in the order of RV(sccs).
  returned: success
  type: list
  elements: dict
  contains:
    scc: {description: Name of the SCC., type: str, sample: loki-minio}
    field: {description: Path of the field in it., type: str, sample: runAsUser.uid}
    severity:
      description: V(error) keeps pods from being admitted. V(warning) does not, and is hardly meant so.
      type: str
      sample: error
    scope:
      description: V(cluster) where it does not depend on namespaces, V(namespaces) where their annotations are at
        fault.
      type: str
      sample: cluster
    namespaces:
      description: Names of the namespaces that are affected. Empty where RV(problems[].scope) is V(cluster).
      type: list
      elements: str
    message: {description: What is wrong and what it does., type: str}
    remedy: {description: What to do., type: str}
    source: {description: The file or document that it is in. Empty for a cluster., type: str}
    owner: {description: As in RV(sccs)., type: dict}
sccs:
  description: Each SCC.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    source: {description: The file or document that it is in. Empty for a cluster., type: str}
    valid: {description: Whether it has no problem that is an error., type: bool}
    annotations:
      description: The annotations of namespaces that it takes values from. Manifests are judged by them only as far as
        they hold the namespaces.
      type: list
      elements: str
      sample: [openshift.io/sa.scc.mcs]
    problems: {description: Those of RV(problems) that are its own., type: list, elements: dict}
    owner:
      description: Who made it, as far as its labels and annotations say. Empty texts where they do not.
      type: dict
      contains:
        managed_by:
          description: Label C(app.kubernetes.io/managed-by), or C(heritage) of older charts.
          type: str
          sample: Helm
        part_of: {description: Label C(app.kubernetes.io/part-of)., type: str}
        chart: {description: Label C(helm.sh/chart) or C(chart)., type: str, sample: minio-4.1.0}
        release:
          description: Annotation C(meta.helm.sh/release-name), or the label in which Helm's charts write it.
          type: str
          sample: loki
        release_namespace: {description: Annotation C(meta.helm.sh/release-namespace)., type: str, sample: monitoring}
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
from ansible_collections.observability.claude_code.plugins.module_utils._manifests import (
    ManifestError,
    MissingYamlError,
    from_definition,
    from_paths,
)
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import Namespaces
from ansible_collections.observability.claude_code.plugins.module_utils._scc_report import judge
from ansible_collections.observability.claude_code.plugins.module_utils._scc_sources import of_cluster, of_manifests

ABSENT = "The cluster has no SecurityContextConstraints; only OpenShift has."


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            connection_spec(),
            src=dict(type="list", elements="path"),
            definition=dict(type="raw"),
            namespaces=dict(type="list", elements="str"),
        ),
        supports_check_mode=True,
    )
    params = module.params
    paths, definition, names = params["src"], params["definition"], params["namespaces"]
    try:
        if paths is None and definition is None:
            found = of_cluster(Cluster(access_of(params)), names)
        else:
            manifests = [*from_paths(paths or []), *from_definition(definition)]
            found = of_manifests(manifests, names)
    except MissingClientError as error:
        module.fail_json(msg=f"{missing_required_lib('kubernetes')} {error}")
    except MissingYamlError as error:
        module.fail_json(msg=f"{missing_required_lib('PyYAML')} {error}")
    except (ClusterError, ManifestError) as error:
        module.fail_json(msg=str(error))
    if found is None:
        module.exit_json(changed=False, available=False, **{**judge([], Namespaces()), "summary": ABSENT})
    module.exit_json(changed=False, available=True, **judge(*found))


if __name__ == "__main__":
    main()
