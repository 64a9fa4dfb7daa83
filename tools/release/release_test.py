"""What a release decides, and what it writes. What it does to registries and repositories is rehearsed in tests/e2e/checks/release.sh.

Run by `python3 -m unittest discover --start-directory tools/release --pattern '*_test.py'`.
"""

import contextlib
import hashlib
import io
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import action_files
import image_test
import images
import programs
import tree
from commands import Commands, Failed
from versions import Version, moving_tags, released

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.1.0] - 2026-12-01
### Added
- Something.

## [1.0.0] - 2026-11-24
First release.

[Unreleased]: https://example.com/compare/v1.1.0...HEAD
[1.1.0]: https://example.com/compare/v1.0.0...v1.1.0
"""


class Versions(unittest.TestCase):
    def test_only_plain_versions_and_candidates_are_versions(self):
        for text in ("1.2.3", "0.1.0", "10.20.30-rc.4"):
            self.assertEqual(str(Version.parse(text)), text)
        for text in ("v1.2.3", "1.2", "1.2.3.4", "01.2.3", "1.2.3-beta", "1.2.3-rc", "1.2.3 ", "1.2.3+x", "", "../1.2.3"):
            with self.subTest(text), self.assertRaises(ValueError):
                Version.parse(text)

    def test_a_candidate_comes_before_its_version(self):
        texts = ["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1-rc.1", "1.0.1", "1.10.0", "2.0.0"]
        self.assertEqual(sorted(map(Version.parse, reversed(texts))), list(map(Version.parse, texts)))

    def test_other_tags_are_passed_over(self):
        self.assertEqual(released(["v1", "v1.2", "nightly", "v1.2.3"]), [Version.parse("1.2.3")])

    def test_tags_move_forward_only(self):
        cases = [
            ("1.0.0", [], ["v1.0", "v1"]),
            ("1.0.1", ["v1", "v1.0", "v1.0.0"], ["v1.0", "v1"]),
            ("1.1.0", ["v1.0.0", "v1.0.1"], ["v1.1", "v1"]),
            ("2.0.0", ["v1.9.9"], ["v2.0", "v2"]),
            # A fix of an older line.
            ("1.0.2", ["v1.0.1", "v1.1.0"], ["v1.0"]),
            ("1.0.2", ["v1.0.1", "v2.0.0"], ["v1.0", "v1"]),
            # Done again, after a newer one came.
            ("1.0.1", ["v1.0.0", "v1.0.1", "v1.0.2"], []),
            ("1.0.1", ["v1.0.0", "v1.0.1"], ["v1.0", "v1"]),
            # Candidates move nothing and hold nothing back.
            ("1.1.0-rc.1", ["v1.0.0"], []),
            ("1.0.1", ["v1.0.0", "v1.1.0-rc.1"], ["v1.0", "v1"]),
            # Numbers, not text.
            ("1.10.0", ["v1.9.0"], ["v1.10", "v1"]),
        ]
        for version, tags, moved in cases:
            with self.subTest(version=version, tags=tags):
                self.assertEqual(moving_tags(Version.parse(version), tags), moved)


class Changelog(unittest.TestCase):
    def test_notes_are_the_section_without_heading_and_addresses(self):
        self.assertEqual(tree.notes(CHANGELOG, "1.1.0"), "### Added\n- Something.")
        self.assertEqual(tree.notes(CHANGELOG, "1.0.0"), "First release.")
        self.assertIsNone(tree.notes(CHANGELOG, "1.0"))

    def test_the_newest_section_may_be_released(self):
        self.assertEqual(tree.changelog_problems(CHANGELOG, Version.parse("1.1.0")), [])

    def test_what_it_lacks_is_told(self):
        cases = [
            ("1.2.0", CHANGELOG, "no section 1.2.0"),
            ("1.0.0", CHANGELOG, "1.1.0 above 1.0.0"),
            ("1.1.0", CHANGELOG.replace(" - 2026-12-01", ""), "no date for 1.1.0"),
            ("1.1.0", CHANGELOG.replace("### Added\n- Something.\n", ""), "says nothing about 1.1.0"),
            ("1.1.0", CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n- Left over.\n"), "text under Unreleased"),
        ]
        for version, text, problem in cases:
            with self.subTest(problem):
                found = tree.changelog_problems(text, Version.parse(version))
                self.assertEqual(len(found), 1, found)
                self.assertIn(problem, found[0])


class Tree(unittest.TestCase):
    def copy(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        (root / "binary").mkdir()
        for name in ("Cargo.toml", "Cargo.lock", "action.yml", "binary/action.yml"):
            (root / name).write_text((ROOT / name).read_text())
        version = tree.package_version(ROOT)
        (root / "CHANGELOG.md").write_text(f"## [Unreleased]\n\n## [{version}] - 2026-11-24\nText.\n")
        return root, Version.parse(version)

    def test_this_tree_could_be_released(self):
        root, version = self.copy()
        self.assertEqual(tree.problems(root, version, ["v0.0.1"]), [])

    def test_all_problems_are_told_together(self):
        root, _ = self.copy()
        action = (root / "action.yml").read_text()
        (root / "action.yml").write_text(action.replace("image: Dockerfile", "image: docker://x"))
        (root / "binary/action.yml").write_text("")
        found = "\n".join(tree.problems(root, Version.parse("77.0.0"), ["v77.0.0"]))
        for problem in ("Cargo.toml", "Cargo.lock", "CHANGELOG.md", "v77.0.0 is taken", "action.yml does not", "binary/action.yml"):
            self.assertIn(problem, found)


class ActionFiles(unittest.TestCase):
    def setUp(self):
        self.action = (ROOT / "action.yml").read_text()

    def test_a_release_changes_the_image_and_nothing_else(self):
        pinned = action_files.pinned_action(self.action, "ghcr.io/owner/name", DIGEST, "v1.2.3")
        changed = [
            (before, after)
            for before, after in zip(self.action.splitlines(), pinned.splitlines(), strict=True)
            if before != after
        ]
        self.assertEqual(changed, [("  image: Dockerfile", f"  image: docker://ghcr.io/owner/name@{DIGEST} # v1.2.3")])

    def test_it_is_pinned_once_and_by_digest(self):
        pinned = action_files.pinned_action(self.action, "ghcr.io/owner/name", DIGEST, "v1.2.3")
        for action, digest in ((pinned, DIGEST), (self.action, "v1.2.3"), (self.action, DIGEST[:-1])):
            with self.subTest(digest), self.assertRaises(ValueError):
                action_files.pinned_action(action, "ghcr.io/owner/name", digest, "v1.2.3")

    def test_the_sub_action_has_the_inputs_and_outputs_of_the_action(self):
        inputs, outputs = action_files.sections(self.action)
        binary = action_files.binary_action(self.action)
        self.assertIn(inputs, binary)
        self.assertGreater(len(action_files.names(inputs)), 40)
        for name in action_files.names(inputs):
            variable = "INPUT_" + name.upper().replace("-", "_")
            self.assertEqual(binary.count(f"        {variable}: ${{{{ inputs.{name} }}}}\n"), 1, name)
        for name in action_files.names(outputs):
            self.assertEqual(binary.count(f"    value: ${{{{ steps.program.outputs.{name} }}}}\n"), 1, name)

    def test_the_sub_action_is_up_to_date(self):
        self.assertEqual((ROOT / "binary/action.yml").read_text(), action_files.binary_action(self.action))

    def test_a_release_names_its_programs(self):
        programs = action_files.Programs("https://example.com/v1.2.3", f"{'a' * 64}  one\n{'b' * 64}  two.exe\n")
        binary = action_files.binary_action(self.action, programs)
        self.assertIn("        PROGRAMS_URL: https://example.com/v1.2.3\n", binary)
        self.assertIn(f"        PROGRAMS_CHECKSUMS: |\n          {'a' * 64}  one\n          {'b' * 64}  two.exe\n", binary)

    def test_what_is_no_checksum_is_refused(self):
        for text in ("", "one\n", f"{'a' * 64}  one\n${{{{ x }}}}\n", f"{'a' * 64}  a b\n"):
            with self.subTest(text), self.assertRaises(ValueError):
                action_files.programs_as_variables(action_files.Programs("https://example.com", text))


class Images(unittest.TestCase):
    def layout(self, **platforms):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        layout = Path(folder.name)
        (layout / "blobs/sha256").mkdir(parents=True)

        def add(content):
            content = json.dumps(content).encode()
            digest = hashlib.sha256(content).hexdigest()
            (layout / "blobs/sha256" / digest).write_bytes(content)
            return {"digest": f"sha256:{digest}", "size": len(content)}

        manifests = []
        for name, architecture in platforms.items():
            labels = {"org.opencontainers.image.version": "1.2.3"}
            config = add({"architecture": architecture, "os": "linux", "config": {"Labels": labels}})
            manifest = add({"config": config})
            manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
            manifests.append(manifest | {"annotations": {"org.opencontainers.image.ref.name": name}})
        (layout / "index.json").write_text(json.dumps({"manifests": manifests}))
        return layout

    def test_an_index_names_each_platform_and_carries_the_labels(self):
        layout = self.layout(amd64="amd64", arm64="arm64")
        digest = images.put_together(layout, ["amd64", "arm64"])
        index = json.loads(images.blob(layout, digest))
        self.assertEqual([entry["platform"]["architecture"] for entry in index["manifests"]], ["amd64", "arm64"])
        self.assertEqual(index["annotations"], {"org.opencontainers.image.version": "1.2.3"})
        self.assertEqual(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"], digest)

    def test_an_image_for_another_platform_than_it_is_said_to_be_is_refused(self):
        with self.assertRaisesRegex(Failed, "for arm64 is one for amd64"):
            images.put_together(self.layout(arm64="amd64"), ["arm64"])

    def test_a_platform_without_an_archive_is_refused(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(Failed, "no image of action for amd64"):
            images.push(Commands(dry_run=True), Path(folder), "ghcr.io/owner/name", ["amd64"])

    def test_only_loopback_goes_without_a_certificate(self):
        self.assertEqual(images.verify("docker://127.0.0.1:5056/owner/name:v1", "dest-"), ["--dest-tls-verify=false"])
        for name in ("ghcr.io/owner/name", "docker://ghcr.io/owner/127.0.0.1:1", "oci:127.0.0.1:x"):
            self.assertEqual(images.verify(name, "dest-"), [])


    def test_the_bases_are_those_of_the_dockerfile(self):
        names = [name for name, _ in images.bases((ROOT / "Dockerfile").read_text())]
        self.assertEqual(names, ["RUST_IMAGE", "SHELL_IMAGE"])


class Programs(unittest.TestCase):
    def test_each_target_has_the_name_that_the_sub_action_asks_for(self):
        script = (ROOT / "binary/run.sh").read_text()
        for target, name in (
            ("x86_64-unknown-linux-musl", "swr-image-sync-linux-x86_64"),
            ("aarch64-unknown-linux-musl", "swr-image-sync-linux-aarch64"),
            ("x86_64-apple-darwin", "swr-image-sync-macos-x86_64"),
            ("aarch64-apple-darwin", "swr-image-sync-macos-aarch64"),
            ("x86_64-pc-windows-msvc", "swr-image-sync-windows-x86_64.exe"),
        ):
            self.assertEqual(programs.file_name(target), name)
            self.assertIn(f"file={name} ;;", script)

    def test_checksums_are_those_of_sha256sum_and_of_programs_only(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("swr-image-sync-b", "swr-image-sync-a", "notes.md"):
                (Path(folder) / name).write_text(name)
            expected = subprocess.run(
                ["sha256sum", "swr-image-sync-a", "swr-image-sync-b"], cwd=folder, capture_output=True, text=True, check=True
            )
            self.assertEqual(programs.checksums(Path(folder)), expected.stdout)


class Outputs(unittest.TestCase):
    def test_both_forms_of_a_record_are_read(self):
        text = "status=success\nfailed-tags<<END\n[\n]\nEND\nresults=a<<b=c\n"
        self.assertEqual(
            image_test.read_outputs(text), {"status": "success", "failed-tags": "[\n]", "results": "a<<b=c"}
        )


class DryRun(unittest.TestCase):
    def test_a_change_is_told_and_not_made(self):
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            Commands(dry_run=True).change("false", "it's")
        self.assertEqual(told.getvalue(), "+ false 'it'\"'\"'s'\n")

    def test_a_change_that_fails_stops_the_release(self):
        with tempfile.TemporaryFile("w") as told, contextlib.redirect_stderr(told):
            with self.assertRaisesRegex(Failed, "false x ended with 1"):
                Commands().change("false", "x")


class RunScript(unittest.TestCase):
    """binary/run.sh as the sub-action runs it, with programs in a folder."""

    def run_script(self, program="#!/bin/sh\nenv\n", **env):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        name = "swr-image-sync-linux-x86_64"
        (root / name).write_text(program)
        checksum = hashlib.sha256(program.encode()).hexdigest()
        (root / "output").touch()
        variables = {
            "PATH": "/usr/bin:/bin",
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(root / "temp"),
            "GITHUB_OUTPUT": str(root / "output"),
            "PROGRAMS_URL": root.as_uri(),
            "PROGRAMS_CHECKSUMS": f"{'0' * 64}  other\n{checksum}  {name}\n",
        } | env
        done = subprocess.run(
            ["bash", ROOT / "binary/run.sh"], env=variables, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr, image_test.read_outputs((root / "output").read_text())

    def test_the_program_gets_the_inputs_and_its_exit_code_is_that_of_the_step(self):
        code, text, _ = self.run_script("#!/bin/sh\nenv\nexit 7\n", INPUT_TAGS="a $(b) 'c'")
        self.assertEqual(code, 7)
        self.assertIn("INPUT_TAGS=a $(b) 'c'\n", text)
        self.assertNotIn("PROGRAMS_", text)

    def test_another_program_than_the_released_one_is_not_run(self):
        code, text, outputs = self.run_script(PROGRAMS_CHECKSUMS=f"{'0' * 64}  swr-image-sync-linux-x86_64\n")
        self.assertEqual(code, 101)
        self.assertIn("is not what was released", text)
        self.assertNotIn("INPUT_", text)
        self.assertEqual((outputs["status"], outputs["exit-code"], outputs["failed-tags"]), ("failure", "101", "[]"))

    def test_what_cannot_be_fetched_is_told(self):
        code, text, outputs = self.run_script(PROGRAMS_URL="file:///nowhere")
        self.assertEqual((code, outputs["exit-code"]), (5, "5"))
        self.assertIn("::error title=swr-image-sync::file:///nowhere/swr-image-sync-linux-x86_64 could not be fetched", text)

    def test_outside_a_release_and_on_other_platforms_it_says_so(self):
        for env, words in (
            ({"PROGRAMS_URL": ""}, "runs released programs"),
            ({"RUNNER_ARCH": "ARM"}, "no program for Linux on ARM"),
            ({"RUNNER_ARCH": "ARM64"}, "no swr-image-sync-linux-aarch64"),
        ):
            with self.subTest(words):
                code, text, _ = self.run_script(**env)
                self.assertEqual(code, 101)
                self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
