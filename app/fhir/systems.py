"""The systems, canonical URLs and codes that Cradle speaks, each named once.

https://digital.nhs.uk/developer/api-catalogue (NHS England systems); https://hl7.org/fhir/R4/terminologies-systems.html
"""

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
SDS_USER_ID = "https://fhir.nhs.uk/Id/sds-user-id"
SDS_ROLE = "https://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName"
RFC4122 = "https://tools.ietf.org/html/rfc4122"
SNOMED = "http://snomed.info/sct"

ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

CRADLE = "https://fhir.cradle.example"
DATA_CATEGORY = f"{CRADLE}/CodeSystem/data-category"
PURPOSE = f"{CRADLE}/CodeSystem/purpose-of-use"
COMMUNICATION_CATEGORY = f"{CRADLE}/CodeSystem/communication-category"
CHILD_HEALTH_REVIEW = f"{CRADLE}/CodeSystem/child-health-review"
DEVELOPMENT_SCORE = f"{CRADLE}/CodeSystem/development-score"
ENCOUNTER_TYPE = f"{CRADLE}/CodeSystem/encounter-type"
TASK_CODE = f"{CRADLE}/CodeSystem/task-code"
QUESTIONNAIRE = f"{CRADLE}/Questionnaire/"  # with a code of CHILD_HEALTH_REVIEW
RESPONSIBILITY_BASIS = f"{CRADLE}/CodeSystem/parental-responsibility-basis"
PARENTAL_RESPONSIBILITY = f"{CRADLE}/StructureDefinition/Extension-Cradle-ParentalResponsibility"
PREGNANCY = f"{CRADLE}/StructureDefinition/Extension-Cradle-Pregnancy"

FLAG_CATEGORY = "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient"
CHILD_PROTECTION_FLAG = "child-protection-information-system-flag"
FLAG_DETAIL = "http://hl7.org/fhir/StructureDefinition/flag-detail"

# SNOMED codes of ValueSet https://fhir.nhs.uk/England/ValueSet/England-ChildProtectionPlan 1.0.0
CHILD_PROTECTION_PLAN = "342191000000101"
LOOKED_AFTER = "764841000000100"
UNBORN_PLAN = "818901000000100"
PLAN_TYPES = {
    CHILD_PROTECTION_PLAN: "Subject to child protection plan",
    LOOKED_AFTER: "Looked after child",
    UNBORN_PLAN: "Unborn child subject to child protection plan",
}

# SNOMED codes of what is recorded at a birth, as the Personal Demographics Service takes them
BIRTH_WEIGHT, STILLBIRTH, GESTATION = "364589006", "237364002", "268477000"
NUMBER_OF_FETUSES, CONGENITAL_ANOMALY = "246435002", "66091009"
BIRTH_ITEMS = (BIRTH_WEIGHT, STILLBIRTH, GESTATION, NUMBER_OF_FETUSES, CONGENITAL_ANOMALY)
