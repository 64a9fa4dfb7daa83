"""Checks what no published schema covers: files that have none, names that must agree with each other, and the pages in docs/ci.

Run by `check`, which brings the packages. Every rule states what it expects; the first line of the output tells what broke it.
"""

import re
import subprocess
import sys
from pathlib import Path

from groovy_parser.parser import parse_groovy_content
from ruamel.yaml import YAML

EXAMPLES = Path(__file__).resolve().parent
PROJECT = EXAMPLES.parent.parent
DOCS = PROJECT / "docs" / "ci"

IMAGE = "ghcr.io/OWNER/swr-image-sync:v1"
ACTION = "OWNER/swr-image-sync@v1"
# Those that start a shell inside the image.
WITH_SHELL = {"gitlab", "circleci", "jenkins"}
OUTPUTS = {
    "status", "failed-tags", "failed-count", "failed-images", "synced-tags", "synced-count", "results", "exit-code",
}
SYSTEMS = (
    "github gitea forgejo gitlab azure bitbucket codearts harness woodpecker drone buildkite teamcity circleci jenkins plain".split()
)
RUNS = ("success", "partial", "refused")

problems: list[str] = []


def expect(holds: bool, file: Path, what: str) -> None:
    if not holds:
        problems.append(f"{file.relative_to(PROJECT)}: {what}")


def documents(text: str) -> list:
    return list(YAML(typ="safe").load_all(text))


def load(name: str):
    path = EXAMPLES / name
    try:
        [document] = documents(path.read_text())
    except Exception as error:  # whatever the parser raises, nothing else can be said of the file
        sys.exit(f"{path.relative_to(PROJECT)}: not one YAML document: {error}")
    return path, document


def keys(file: Path, where: str, value: dict, required: set, optional: set = frozenset()) -> None:
    given = set(value)
    expect(required <= given, file, f"{where} lacks {sorted(required - given)}")
    expect(given <= required | optional, file, f"{where} has unknown {sorted(given - required - optional)}")


def same(file: Path, what: str, one: set, other: set) -> None:
    expect(one == other, file, f"{what}: {sorted(one ^ other)}")


def image_references() -> None:
    """One placeholder everywhere, with a shell exactly where the system starts one."""
    for file in sorted(path for path in EXAMPLES.rglob("*") if path.is_file() and path.parent != EXAMPLES):
        system = file.relative_to(EXAMPLES).parts[0]
        text = file.read_text()
        wanted = IMAGE + "-shell" if system in WITH_SHELL else IMAGE
        for found in re.findall(r"ghcr\.io/[\w./-]+:[\w.-]+", text):
            expect(found == wanted, file, f"image {found}, expected {wanted}")
        for found in re.findall(r"uses: (\S*/swr-image-sync@\S+)", text):
            expect(found == ACTION, file, f"action {found}, expected {ACTION}")
        for found in re.findall(r"\bSWR_SYNC_([A-Z_]+)\b", text):
            expect(found.lower().replace("_", "-") in OUTPUTS, file, f"no output is named SWR_SYNC_{found}")
        for found in re.findall(r"steps\.sync\.outputs\.([a-z-]+)", text):
            expect(found in OUTPUTS, file, f"no output is named {found}")
        for found in re.findall(r"(?:swr-image-sync|results)/((?:failed|synced)-[a-z]+)\b", text):
            expect(found in OUTPUTS, file, f"no output is named {found}")


def docker_run_passes_what_env_sets(file: Path, step: dict, script: str, not_inside: set) -> None:
    """`docker run` passes no variable that it is not told to: a name missing from either side is an input lost without a word."""
    passed = set(re.findall(r"--env (INPUT_\w+)", step[script]))
    given = {name for part in ("env", "secrets") for name in step.get(part, {}) if name.startswith("INPUT_")}
    same(file, "env and --env differ", passed, given - not_inside)


def azure() -> None:
    file, template = load("azure/swr-image-sync.yml")
    declared = {parameter["name"] for parameter in template["parameters"]}
    same(file, "parameters and their uses differ", declared, set(re.findall(r"parameters\.([\w-]+)", file.read_text())))
    run = template["steps"][0]
    docker_run_passes_what_env_sets(file, run, "bash", set())

    file, pipeline = load("azure/azure-pipelines.yml")
    [use] = [step for step in pipeline["steps"] if "template" in step]
    expect(use["template"] == "swr-image-sync.yml", file, "uses another template")
    required = {parameter["name"] for parameter in template["parameters"] if "default" not in parameter}
    keys(file, "parameters", use["parameters"], required, declared)
    steps = set(re.findall(r"(\w+)\.SWR_SYNC_", file.read_text()))
    same(file, "outputs are read of another step", steps, {run["name"]})


def bitbucket() -> None:
    file, pipe = load("bitbucket/pipe.yml")
    keys(
        file, "pipe", pipe,
        {"name", "image", "category", "description", "repository", "vendor", "maintainer", "tags", "variables"},
    )
    for part in ("vendor", "maintainer"):
        keys(file, part, pipe[part], {"name", "website"}, {"email"})
    for variable in pipe["variables"]:
        keys(file, "variable", variable, {"name"}, {"default"})
        expect(isinstance(variable.get("default", ""), str), file, f"default of {variable['name']} is no string")
        expect(bool(re.fullmatch(r"INPUT_[A-Z_]+", variable["name"])), file, f"variable {variable['name']}")

    # The published schema takes any key of a step.
    file, use = load("bitbucket/bitbucket-pipelines.yml")
    keys(file, "pipelines", use["pipelines"], {"tags", "custom"})
    for kind in use["pipelines"].values():
        for steps in kind.values():
            for step in (entry["step"] for entry in steps if "step" in entry):
                keys(file, "step", step, {"name", "script"}, {"after-script", "output-variables", "oidc"})
                [call] = step["script"]
                keys(file, "pipe", call, {"pipe", "variables"})
                expect(call["pipe"] == f"docker://{pipe['image']}", file, f"pipe {call['pipe']}")
                uses_token = any("OIDC_TOKEN" in str(value) for value in call["variables"].values())
                expect(uses_token == bool(step.get("oidc")), file, "oidc: true and the token belong together")


def buildkite() -> None:
    file, pipeline = load("buildkite/pipeline.yml")
    [step] = [step for step in pipeline["steps"] if "docker run" in str(step.get("command"))]
    docker_run_passes_what_env_sets(file, step, "command", set())
    for name in re.findall(r"(?<!\$)\$(?!\$)\{?(\w+)", file.read_text()):
        expect(name == "BUILDKITE_TAG", file, f"${name} is replaced when the pipeline is uploaded, write $${name}")
    for report in re.findall(r"< (\S+)", step["command"]):
        expect(
            any(report.startswith(value) for name, value in step["env"].items() if re.match("INPUT_(REPORT|RESULTS)", name)),
            file, f"{report} is written by no input",
        )


def circleci() -> None:
    file, orb = load("circleci/orb.yml")
    keys(file, "orb", orb, {"version", "description", "display", "executors", "jobs", "examples"})
    [job] = orb["jobs"].values()
    same(file, "parameters of the job and their uses differ", set(job["parameters"]), uses_of_parameters(job))
    [executor] = orb["executors"].values()
    same(file, "parameters of the executor and their uses differ", set(executor["parameters"]), uses_of_parameters(executor))
    keys(file, "executor of the job", job["executor"], {"name"}, set(executor["parameters"]))
    expect(job["executor"]["name"] in orb["executors"], file, "the job's executor is not declared")
    required = {name for name, parameter in job["parameters"].items() if "default" not in parameter}
    for example in orb["examples"].values():
        for workflow in example["usage"]["workflows"].values():
            for call in workflow["jobs"]:
                [(name, given)] = call.items()
                expect(name.split("/")[-1] in orb["jobs"], file, f"example calls {name}")
                keys(file, "example", given, required, set(job["parameters"]) | {"context", "requires", "filters", "name"})


def uses_of_parameters(value) -> set:
    return set(re.findall(r"<< parameters\.([\w-]+) >>", str(value)))


def gitlab() -> None:
    for file in sorted(EXAMPLES.glob("gitlab/templates/*/template.yml")):
        spec, job = documents(file.read_text())
        declared = set(spec["spec"]["inputs"])
        same(file, "inputs and their uses differ", declared, set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", str(job))))
    file, use = load("gitlab/.gitlab-ci.yml")
    for include in use["include"]:
        component = file.parent / include["local"]
        inputs = documents(component.read_text())[0]["spec"]["inputs"]
        required = {name for name, declaration in inputs.items() if "default" not in declaration}
        keys(file, "inputs", include["inputs"], required, set(inputs))


def harness() -> None:
    file, document = load("harness/pipeline.yaml")
    pipeline = document["pipeline"]
    keys(file, "pipeline", pipeline, {"name", "identifier", "projectIdentifier", "orgIdentifier", "stages"})
    [stage] = (entry["stage"] for entry in pipeline["stages"])
    keys(file, "stage", stage, {"name", "identifier", "type", "spec"})
    expect(stage["type"] == "CI", file, "only CI stages run plugins")
    keys(file, "stage spec", stage["spec"], {"cloneCodebase", "platform", "runtime", "execution"})
    steps = [entry["step"] for entry in stage["spec"]["execution"]["steps"]]
    for step in steps:
        keys(file, "step", step, {"type", "name", "identifier", "spec"}, {"when", "timeout", "failureStrategies"})
        expect(bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", step["identifier"])), file, f"identifier {step['identifier']}")
        if step["type"] == "Plugin":
            keys(file, "plugin", step["spec"], {"connectorRef", "image", "settings"}, {"imagePullPolicy", "resources"})
            for name, value in step["spec"]["settings"].items():
                expect(bool(re.fullmatch(r"[a-z_]+", name)) and isinstance(value, str), file, f"setting {name}")
        else:
            expect(step["type"] == "Run", file, f"step type {step['type']}")
            keys(file, "run", step["spec"], {"shell", "command"}, {"envVariables", "image", "connectorRef"})
        status = step.get("when", {}).get("stageStatus", "Success")
        expect(status in {"Success", "Failure", "All"}, file, f"stageStatus {status}")
    read = set(re.findall(r"steps\.(\w+)\.output\.outputVariables\.", file.read_text()))
    same(file, "outputs are read of another step", read, {step["identifier"] for step in steps if step["type"] == "Plugin"})


def tekton() -> None:
    file, task = load("tekton/task.yaml")
    expect((task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task"), file, "no Task of v1")
    keys(file, "Task", task, {"apiVersion", "kind", "metadata", "spec"})
    spec = task["spec"]
    keys(file, "spec", spec, {"description", "params", "workspaces", "results", "steps"})
    params = {param["name"] for param in spec["params"]}
    workspaces = {workspace["name"] for workspace in spec["workspaces"]}
    steps = str(spec["steps"])
    same(file, "params and their uses differ", params, set(re.findall(r"\$\(params\.([\w-]+)\)", steps)))
    same(file, "workspaces and their uses differ", workspaces, set(re.findall(r"\$\(workspaces\.([\w-]+)\.path\)", steps)))
    for result in spec["results"]:
        expect(result["name"] in OUTPUTS, file, f"result {result['name']} is no output")
    for step in spec["steps"]:
        keys(file, "step", step, {"name", "image", "command", "env"})
        expect(step["command"] == ["/swr-image-sync"], file, f"command {step['command']}")
        for variable in step["env"]:
            keys(file, "variable", variable, {"name", "value"})
    env = {variable["name"]: variable["value"] for variable in spec["steps"][0]["env"]}
    expect(env.get("INPUT_RESULTS_DIR") == "/tekton/results", file, "results are read from /tekton/results")

    file, run = load("tekton/taskrun.yaml")
    expect((run["apiVersion"], run["kind"]) == ("tekton.dev/v1", "TaskRun"), file, "no TaskRun of v1")
    keys(file, "TaskRun", run, {"apiVersion", "kind", "metadata", "spec"})
    keys(file, "spec", run["spec"], {"taskRef", "params", "workspaces"})
    expect(run["spec"]["taskRef"]["name"] == task["metadata"]["name"], file, "names another task")
    required = {param["name"] for param in spec["params"] if "default" not in param}
    keys(file, "params", {param["name"]: 0 for param in run["spec"]["params"]}, required, params)
    same(file, "workspaces differ from the task's", {workspace["name"] for workspace in run["spec"]["workspaces"]}, workspaces)


def jenkins() -> None:
    file = EXAMPLES / "jenkins/Jenkinsfile"
    text = file.read_text()
    try:
        parse_groovy_content(text)
    except Exception as error:  # whatever the parser raises, the file is not Groovy
        expect(False, file, f"no Groovy: {str(error).splitlines()[0]}")
        return
    directives = {
        "pipeline": ({"agent", "stages"}, {"environment", "options", "parameters", "post", "tools", "triggers"}),
        "stage": ({"steps"}, {"agent", "environment", "options", "post", "tools", "when"}),
        "post": (set(), {"always", "changed", "failure", "success", "unstable", "unsuccessful", "aborted", "cleanup"}),
    }
    for name, inner in groovy_blocks(text):
        if name in directives:
            required, optional = directives[name]
            keys(file, name, dict.fromkeys(inner), required, optional)
    names = [name for name, _ in groovy_blocks(text)]
    expect(names.count("pipeline") == 1 and "stage" in names, file, "no declarative pipeline")
    for used in re.findall(r"(?:junit|artifacts:) '([^']+)'", text):
        expect(f"= '{used}'" in text, file, f"{used} is written by no input")
    for used in re.findall(r"readFile\('([\w-]+)/", text):
        expect(f"INPUT_RESULTS_DIR = '{used}'" in text, file, f"{used} is written by no input")


def groovy_blocks(text: str) -> list[tuple[str, list[str]]]:
    """Every block's name with the names of the directives directly in it. For text that is known to be Groovy."""
    text = re.sub(r"//.*|\"[^\"\n]*\"|'[^'\n]*'", "", text)
    blocks, open_blocks = [], []
    for line in text.splitlines():
        if word := re.match(r"\s*(\w+)", line):
            if open_blocks:
                open_blocks[-1][1].append(word[1])
        for brace in re.findall("[{}]", line):
            if brace == "{":
                open_blocks.append((word[1], []))
            else:
                blocks.append(open_blocks.pop())
    return blocks


def shell_scripts() -> None:
    """What a system hands to a shell is at least a script. GitHub's are read by actionlint."""
    names = {"bash", "command", "commands", "script", "after-script"}
    for name in (
        "azure/swr-image-sync.yml", "azure/azure-pipelines.yml", "bitbucket/bitbucket-pipelines.yml", "buildkite/pipeline.yml",
        "circleci/config.yml", "circleci/orb.yml", "drone/.drone.yml", "gitlab/.gitlab-ci.yml", "harness/pipeline.yaml",
        "woodpecker/.woodpecker.yml",
    ):
        file, document = load(name)
        scripts = [script for script in under(document, names) if isinstance(script, str)]
        expect(bool(scripts), file, "no script was found")
        for script in scripts:
            run = subprocess.run(["bash", "-n", "-c", script.replace("$$", "$")], capture_output=True, text=True, check=False)
            expect(run.returncode == 0, file, run.stderr.strip())


def under(value, names: set):
    """Every entry, at any depth, of a key with one of these names; lists give their items."""
    entries = value.items() if isinstance(value, dict) else [(None, item) for item in value] if isinstance(value, list) else []
    for key, inner in entries:
        if key in names:
            yield from inner if isinstance(inner, list) else [inner]
        yield from under(inner, names)


def woodpecker() -> None:
    file = EXAMPLES / "woodpecker/docs.md"
    text = file.read_text()
    header = re.match(r"---\n(.*?)\n---\n", text, re.S)
    expect(header is not None, file, "no header")
    if header:
        [metadata] = documents(header[1])
        keys(
            file, "header", metadata,
            {"name", "description", "author", "tags", "containerImage", "containerImageUrl", "url"}, {"icon"},
        )
        expect(isinstance(metadata.get("tags"), list), file, "tags is no list")
        expect(IMAGE.startswith(f"{metadata.get('containerImage')}:"), file, "another image")
    _, workflow = load("woodpecker/.woodpecker.yml")
    documented = set(re.findall(r"^\| `([a-z-]+)`", text, re.M))
    for step in workflow["steps"]:
        undocumented = set(step.get("settings", {})) - documented
        expect(not undocumented, file, f"settings without a row: {sorted(undocumented)}")


def pages() -> None:
    """Snippets are YAML, links lead somewhere, and every system has its row with the names of its snapshots."""
    for file in [*sorted(DOCS.glob("*.md")), EXAMPLES / "woodpecker/docs.md"]:
        text = file.read_text()
        for snippet in re.findall(r"^```yaml\n(.*?)^```", text, re.S | re.M):
            try:
                expect(bool(documents(snippet)), file, "empty snippet")
            except Exception as error:  # whatever the parser raises, the snippet is not YAML
                expect(False, file, f"no YAML: {error}")
        expect("ghcr.io/" not in re.sub(re.escape(IMAGE.rsplit(":", 1)[0]), "", text.replace("https://ghcr.io", "")), file, "another image")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            expect((file.parent / link).exists(), file, f"link to {link} leads nowhere")
    table = DOCS / "README.md"
    rows = table.read_text()
    for system in SYSTEMS:
        expect(bool(re.search(rf"^\| `{system}` \|", rows, re.M)), table, f"no row for {system}")
        name = f"ci__{system}__{{{','.join(RUNS)}}}.snap"
        expect(name in rows, table, f"no snapshot {name}")


for check in (
    image_references, azure, bitbucket, buildkite, circleci, gitlab, harness, tekton, jenkins, shell_scripts, woodpecker, pages,
):
    check()
    print(f"structure: {check.__name__}")
if problems:
    sys.exit("\n".join(problems))
