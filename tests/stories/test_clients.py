"""The programs of docs/clients, run as anybody would run them, against the demonstration."""

import re

from tests.stories.demonstration import ROOT, Demonstration

pytest_plugins = ["tests.stories.serving"]

NOTICE = re.compile(
    r"^(?P<when>\S+)  (?P<child>\d{10})  seen by Amara Okafor \(R8000\), Aldermarsh Emergency Department$"
)


def test_there_are_three_programs_and_each_is_tried_here() -> None:
    programs = {program.name for program in (ROOT / "docs" / "clients").glob("*.py")}
    assert programs == {"emergency_department.py", "local_authority.py", "childrens_centre.py"}


def test_the_loop_is_closed(demo: Demonstration) -> None:
    # Given a plan that the authority's program uploads for a child nobody has heard of
    uploaded = re.search(r"plan for (\d{10})", demo.run("python", "docs/clients/local_authority.py"))
    assert uploaded
    child = uploaded[1]

    # When the department's program looks that child up
    printed = demo.run("python", "docs/clients/emergency_department.py", child).splitlines()

    # Then it prints the plan, the authority and its two telephone numbers
    assert printed[0].startswith("Subject to a child protection plan, since 20")
    assert printed[1:] == [
        "  Aldermarsh Children's Services (ZLA01)",
        "  office hours    01632 960978",
        "  emergency duty  07700 900348",
    ]

    # And the authority's program reads that the child was seen
    notices = [NOTICE.match(line) for line in demo.run("python", "docs/clients/local_authority.py").splitlines()[1:]]
    assert notices
    assert all(notices)
    assert child in {notice["child"] for notice in notices if notice}


def test_the_department_is_told_what_is_not_there(demo: Demonstration) -> None:
    program = "docs/clients/emergency_department.py"
    assert demo.run("python", program).startswith("Subject to a child protection plan")
    without, hidden = demo.people["no-plan"], demo.people["restricted-address"]
    assert demo.run("python", program, without["nhs_number"]) == "No plan is known for this child.\n"
    assert "address is restricted" in demo.run("python", program, hidden["nhs_number"])
    assert demo.run("python", program, "--base", demo.base, "--var", str(demo.var), without["nhs_number"])


def test_the_centre_reads_as_far_as_the_mother_agreed(demo: Demonstration) -> None:
    for _ in range(2):  # it leaves things as it found them
        before, after, at_last = demo.run("python", "docs/clients/childrens_centre.py").splitlines()
        assert before == "Before anybody asked: nothing"
        assert re.fullmatch(r"She agreed to demographics: Yusuf Warsame, born \d{4}-\d\d-\d\d, address masked", after)
        assert at_last == "She withdrew it: nothing"
