"""Ways in which the policy could be wrong, each as one change of one text, and the tests that have to notice.

https://en.wikipedia.org/wiki/Mutation_testing
"""

from dataclasses import dataclass

AUTHORITY, SUBTRACTION, GRANT = "app/policy/authority.py", "app/policy/subtraction.py", "app/policy/grant.py"
VISIBLE, IN_SQL, AUDIT = "app/store/visible.py", "app/store/predicate_sql.py", "app/store/audit.py"
CATEGORY, OWN_NAME, TARGETS = "app/policy/category.py", "app/policy/own_name.py", "app/store/targets.py"
HISTORY, FEED = "app/store/history.py", "app/api/history.py"
UNDOING, MATCHING = "app/api/undoing.py", "app/api/matching.py"
LOOKUP, GATE = "app/child_protection/lookup.py", "app/child_protection/gate.py"

WHO_SEES_WHAT = "tests/policy/test_authority.py"
WHAT_CONSENTS_SAY = "tests/policy/test_consent.py"
BOTH_INTERPRETERS = "tests/store/test_predicate_interpreters.py"
READS, CONSENTS, AUDITED = "tests/api/test_read.py", "tests/api/test_consent.py", "tests/api/test_audit.py"
WHO_WRITES_WHAT, BETWEEN = "tests/policy/test_own_name.py", "tests/api/test_types_between.py"
WHAT_IT_IS_ABOUT = "tests/policy/test_facts.py"
VERSIONS = "tests/api/test_history.py"
BATCHES, TRANSACTIONS = "tests/api/test_batch.py", "tests/api/test_transaction.py"
LOOKUPS, LEFT_BEHIND = "tests/api/test_lookup.py", "tests/api/test_lookup_leaves.py"

PATCH, CONDITIONAL, NEXT_VERSION = "app/api/patch.py", "app/api/conditional.py", "app/api/next_version.py"
WRITING, IDEMPOTENCY = "app/store/writing.py", "app/store/idempotency.py"
DELETES, PATCHES = "tests/api/test_delete.py", "tests/api/test_patch.py"
CRITERIA, ORDERING = "app/store/criteria.py", "app/store/ordering.py"
INCLUSION, LINKS = "app/store/inclusion.py", "app/store/links.py"
ASKING, ASKED = "app/policy/asking.py", "tests/api/test_asking.py"
HIDDEN, LINKED = "tests/store/test_search_hidden.py", "tests/store/test_search_links.py"
CONDITIONS, REPEATED = "tests/api/test_conditional_create.py", "tests/api/test_idempotency.py"


@dataclass(frozen=True)
class Mutation:
    """`text` stands once in `file`, and is replaced by `instead`; then one of `tests` fails."""

    name: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "a request needs no purpose",
        AUTHORITY,
        "    if caller.purpose is None:\n",
        "    if False:\n",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "a service's own record is open to it for any purpose",
        AUTHORITY,
        "    if caller.purpose in _OWN_DATA_PURPOSES:\n",
        "    if True:\n",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "consent opens child protection",
        AUTHORITY,
        "        Negate(category_in(CHILD_PROTECTION, ADMINISTRATIVE, UNKNOWN)),\n",
        "",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "consent opens what is very restricted",
        AUTHORITY,
        "        LabelAtMost(label.RESTRICTED),\n",
        "",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "a plan that was entered in error is shown",
        AUTHORITY,
        '        Negate(OneOf("status", frozenset({"entered-in-error"}))),\n',
        "",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "a plan is shown however long ago it ended",
        AUTHORITY,
        "        GoesOnAfter(plans_ended_after),\n",
        "",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "the twelve months are none",
        AUTHORITY,
        "moment.month - 1 - months, 12)",
        "moment.month - 1, 12)",
        (LOOKUPS,),
    ),
    Mutation(
        "the plan of an unborn child outlives the birth",
        AUTHORITY,
        "        Negate(unborn_no_more),\n",
        "",
        (LOOKUPS,),
    ),
    Mutation(
        "a parent's app sees every family",
        AUTHORITY,
        "        InFamilyOf(token),\n",
        "",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "a very restricted person is there",
        SUBTRACTION,
        "        remaining.append(Negate(_VERY_RESTRICTED))\n",
        "        pass\n",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "the relatives of a restricted person are there",
        SUBTRACTION,
        ", _RESTRICTED))]",
        ", _VERY_RESTRICTED))]",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "outreach is for the bereaved alone",
        SUBTRACTION,
        "        remaining.append(Negate(Bereaved()))\n",
        "        remaining.append(Bereaved())\n",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "the lookup names the team of a restricted person",
        SUBTRACTION,
        'EVERYTHING if locates_restricted else Negate(all_of(type_in("CareTeam"), _RESTRICTED))',
        "EVERYTHING",
        (LOOKUPS,),
    ),
    Mutation(
        "a refusal beside a permit is ignored",
        GRANT,
        "    return bool(counting) and all(grant.permits for grant in counting)\n",
        "    return any(grant.permits for grant in counting)\n",
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "the lower rank wins",
        GRANT,
        "        highest[grant.performer] = max(grant.rank, ",
        "        highest[grant.performer] = min(grant.rank, ",
        (WHAT_CONSENTS_SAY,),
    ),
    Mutation(
        "what was agreed to never ends",
        GRANT,
        "(end is None or moment < end)",
        "True",
        (WHAT_CONSENTS_SAY,),
    ),
    Mutation(
        "a permit covers every label",
        GRANT,
        "        and asked.label <= grant.label\n",
        "",
        (WHAT_CONSENTS_SAY,),
    ),
    Mutation(
        "what is visible is everything",
        VISIBLE,
        """where(every.c.rule != "")""",
        "where(true())",
        (READS,),
    ),
    Mutation(
        "contact details are shown to whoever sees the rest",
        VISIBLE,
        "predicate_sql.render(permit.reach.visible, target.as_part(CONTACT))",
        "predicate_sql.render(permit.reach.visible, target)",
        (CONSENTS,),
    ),
    Mutation(
        "in SQL, not is so",
        IN_SQL,
        "            return not_(render(part, target))\n",
        "            return render(part, target)\n",
        (BOTH_INTERPRETERS,),
    ),
    Mutation(
        "in SQL, one permit outweighs every refusal",
        IN_SQL,
        "func.bool_and(permits)",
        "func.bool_or(permits)",
        (BOTH_INTERPRETERS,),
    ),
    Mutation(
        "in SQL, the lower rank wins",
        IN_SQL,
        "order_by=row.c.rank.desc()",
        "order_by=row.c.rank.asc()",
        (BOTH_INTERPRETERS,),
    ),
    Mutation(
        "in SQL, a Consent holds for ever",
        IN_SQL,
        "            _within(row.c.valid_from, row.c.valid_to, bindparam(NOW, ask.now, tables.INSTANT)),\n",
        "",
        (BOTH_INTERPRETERS,),
    ),
    Mutation(
        "nothing is written into the audit",
        AUDIT,
        "    await append(await database.driver(tx), entries)\n",
        "    return None\n",
        (AUDITED,),
    ),
    Mutation(
        "a lookup is not written into the audit",
        LOOKUP,
        "            await audit.append(connection, entries)\n",
        "",
        (LEFT_BEHIND,),
    ),
    Mutation(
        "the authority is not told of a look",
        LOOKUP,
        "            await _tell(connection, lookups, released)\n",
        "",
        (LEFT_BEHIND,),
    ),
    Mutation(
        "the authority is told of a silent look",
        LOOKUP,
        "        if each.flags and lookup.unscheduled\n",
        "        if each.flags\n",
        (LEFT_BEHIND,),
    ),
    Mutation(
        "who says nothing looks silently",
        GATE,
        '        case None | "true":\n',
        '        case "true":\n',
        (LEFT_BEHIND,),
    ),
    Mutation(
        "of a restricted person consent opens what services wrote",
        SUBTRACTION,
        'Negate(type_in("Patient")) if rule == "consent" else type_in("RelatedPerson")',
        'type_in("RelatedPerson")',
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "who is named in an encounter reads it",
        AUTHORITY,
        '_ADDRESSED = ("CommunicationRequest", "Communication", "Task")',
        '_ADDRESSED = ("CommunicationRequest", "Communication", "Task", "Encounter")',
        (WHO_SEES_WHAT,),
    ),
    Mutation(
        "what has no known code is of health",
        CATEGORY,
        "    otherwise: str = UNKNOWN\n",
        "    otherwise: str = HEALTH\n",
        (WHAT_IT_IS_ABOUT,),
    ),
    Mutation(
        "a service writes in another's name",
        OWN_NAME,
        "    if type not in _ANYBODY and _named(resource) != {caller.organization}:\n",
        "    if False:\n",
        (WHO_WRITES_WHAT,),
    ),
    Mutation(
        "who is asked changes what is asked",
        OWN_NAME,
        "    return asked == is_asked\n",
        "    return True\n",
        (WHO_WRITES_WHAT,),
    ),
    Mutation(
        "a provenance tells of others' records",
        TARGETS,
        "    return wanted <= found and one_person\n",
        "    return one_person\n",
        (BETWEEN,),
    ),
    Mutation(
        "a provenance is of two people",
        TARGETS,
        "    return wanted <= found and one_person\n",
        "    return wanted <= found\n",
        (BETWEEN,),
    ),
    Mutation(
        "a version can be seen of what is hidden today",
        HISTORY,
        ".where(exists().where(_same(today, seen)))\n",
        "\n",
        (VERSIONS,),
    ),
    Mutation(
        "a feed says that it is complete while somebody writes",
        FEED,
        " - await history.oldest_writer(tx)\n",
        "\n",
        (VERSIONS,),
    ),
    Mutation(
        "a later page says that it is complete up to its own moment",
        FEED,
        "    if question.complete is not None:\n",
        "    if False:\n",
        (VERSIONS,),
    ),
    Mutation(
        "what was deleted is found",
        VISIBLE,
        "    if not deleted:\n",
        "    if False:\n",
        (DELETES,),
    ),
    Mutation(
        "what was deleted is still delivered",
        WRITING,
        "        if version.deleted:\n",
        "        if False:\n",
        (DELETES,),
    ),
    Mutation(
        "a version that was not seen is written over",
        NEXT_VERSION,
        "    if place.expected not in (None, stored.version):\n",
        "    if False:\n",
        (DELETES, PATCHES),
    ),
    Mutation(
        "a patch loses what is hidden",
        PATCH,
        "        if shown != stored.content:\n",
        "        if False:\n",
        (PATCHES,),
    ),
    Mutation(
        "what the service gives is patched",
        PATCH,
        "        _check_ours(before, patched)\n",
        "",
        (PATCHES,),
    ),
    Mutation(
        "a condition may meet more than is meant",
        CONDITIONAL,
        " or not _is_narrow(query):\n",
        ":\n",
        (CONDITIONS,),
    ),
    Mutation(
        "those who ask under one condition do not wait",
        CONDITIONAL,
        "        await conditional_key.take_turn(tx, _keys(query), service.bucket_key)\n",
        "",
        (CONDITIONS,),
    ),
    Mutation(
        "a key is taken for whatever is sent with it",
        IDEMPOTENCY,
        "    if earlier.request != claim.request:\n",
        "    if False:\n",
        (REPEATED,),
    ),
    Mutation(
        "a transaction passes over what is refused",
        UNDOING,
        "    if answer.status_code >= 400:\n",
        "    if False:\n",
        (TRANSACTIONS,),
    ),
    Mutation(
        "what a transaction undid is not in the audit",
        UNDOING,
        "    kept = [*undone.refused, *(_undone(each) for each in undone.attempted)]\n",
        "    kept = [*undone.refused]\n",
        (TRANSACTIONS,),
    ),
    Mutation(
        "a reference by search is to any that is found",
        MATCHING,
        "        if len(found) != 1:\n",
        "        if not found:\n",
        (TRANSACTIONS,),
    ),
    Mutation(
        "children are looked up in a transaction",
        "app/api/transaction.py",
        " and gate.takes_part(asked.caller)",
        " and False",
        (TRANSACTIONS,),
    ),
    Mutation(
        "an entry's URL climbs out of the base",
        "app/fhir/bundle_request.py",
        r"(?!\.{1,2}(?:[/?]|$))",
        "",
        (BATCHES,),
    ),
    Mutation(
        "somebody is found by what is hidden of them",
        CRITERIA,
        "    if not told.contact and not told.location:\n",
        "    if True:\n",
        (HIDDEN,),
    ),
    Mutation(
        "what is hidden of somebody says where in an order they stand",
        ORDERING,
        "case((is_shown(c), of(c)), else_=null())",
        "case((is_shown(c), of(c)), else_=of(c))",
        (HIDDEN,),
    ),
    Mutation(
        "a reference that is not shown is followed",
        INCLUSION,
        "        if row.type != include.source or not is_shown:\n",
        "        if row.type != include.source:\n",
        (HIDDEN,),
    ),
    Mutation(
        "a chain does not know the older records of a person",
        LINKS,
        "            chosen |= {id for person in people for id in person.records}\n",
        "",
        (LINKED,),
    ),
    Mutation(
        "where somebody lives is asked for without being told",
        ASKING,
        '    return bool(_elements(path) & {*location, "identifier"})\n',
        "    return False\n",
        (ASKED,),
    ),
    Mutation(
        "a label of our own tells nothing of a place",
        ASKING,
        "not asked.isdisjoint(_OF_META) or ",
        "",
        (ASKED,),
    ),
    Mutation(
        "everything is told of a Patient who is hidden",
        "app/api/compartment_answer.py",
        "if asking.needs_patient and not await",
        "if False and not await",
        ("tests/api/test_everything.py",),
    ),
    Mutation(
        "a link of a chain needs no scope of its own",
        "app/api/search_permits.py",
        'permit(service, asked, "search", type, "s") for type in sorted(types)',
        'permit(service, asked, "search", query.type, "s") for type in sorted(types)',
        ("tests/api/test_search_language.py",),
    ),
    Mutation(
        "a search for what is about somebody leaves no trace with them",
        "app/api/compartment_answer.py",
        "people = (asking.patient_id,)",
        "people = ()",
        ("tests/api/test_compartment.py",),
    ),
)
