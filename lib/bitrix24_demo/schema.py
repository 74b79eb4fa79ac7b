"""The columns of every kind of row that a portal keeps, with Bitrix24's names and types."""

from functools import cache
from typing import Any

Row = dict[str, Any]
Schema = dict[str, str]


def _schema(text: str) -> Schema:
    """One `NAME type` pair per comma, in the order in which the portal writes them."""
    return dict(pair.split() for pair in text.split(","))


_UTM = "UTM_SOURCE string, UTM_MEDIUM string, UTM_CAMPAIGN string, UTM_CONTENT string, UTM_TERM string"

DEAL = _schema(
    "ID integer, TITLE string, TYPE_ID crm_status, STAGE_ID crm_status, PROBABILITY integer, CURRENCY_ID crm_currency,"
    "OPPORTUNITY double, IS_MANUAL_OPPORTUNITY char, TAX_VALUE double, LEAD_ID crm_lead, COMPANY_ID crm_company,"
    "CONTACT_ID crm_contact, QUOTE_ID crm_quote, BEGINDATE date, CLOSEDATE date, ASSIGNED_BY_ID user,"
    "CREATED_BY_ID user, MODIFY_BY_ID user, DATE_CREATE datetime, DATE_MODIFY datetime, OPENED char, CLOSED char,"
    "COMMENTS string, ADDITIONAL_INFO string, LOCATION_ID location, CATEGORY_ID crm_category, STAGE_SEMANTIC_ID string,"
    "IS_NEW char, IS_RECURRING char, IS_RETURN_CUSTOMER char, IS_REPEATED_APPROACH char, SOURCE_ID crm_status,"
    "SOURCE_DESCRIPTION string, ORIGINATOR_ID string, ORIGIN_ID string, MOVED_BY_ID user, MOVED_TIME datetime,"
    f"LAST_ACTIVITY_TIME datetime, {_UTM}, LAST_ACTIVITY_BY user, UF_CRM_1712044800123 string"
)
LEAD = _schema(
    "ID integer, TITLE string, HONORIFIC crm_status, NAME string, SECOND_NAME string, LAST_NAME string,"
    "COMPANY_TITLE string, COMPANY_ID crm_company, CONTACT_ID crm_contact, IS_RETURN_CUSTOMER char, BIRTHDATE date,"
    "SOURCE_ID crm_status, SOURCE_DESCRIPTION string, STATUS_ID crm_status, STATUS_DESCRIPTION string, POST string,"
    "COMMENTS string, CURRENCY_ID crm_currency, OPPORTUNITY double, IS_MANUAL_OPPORTUNITY char, HAS_PHONE char,"
    "HAS_EMAIL char, HAS_IMOL char, ASSIGNED_BY_ID user, CREATED_BY_ID user, MODIFY_BY_ID user, DATE_CREATE datetime,"
    "DATE_MODIFY datetime, DATE_CLOSED datetime, STATUS_SEMANTIC_ID string, OPENED char, ORIGINATOR_ID string,"
    f"ORIGIN_ID string, MOVED_BY_ID user, MOVED_TIME datetime, {_UTM}, LAST_ACTIVITY_BY user,"
    "LAST_ACTIVITY_TIME datetime"
)
HISTORY = _schema(
    "ID integer, TYPE_ID integer, OWNER_ID integer, CREATED_TIME datetime, CATEGORY_ID integer,"
    "STAGE_SEMANTIC_ID string, STAGE_ID string"
)
LEAD_HISTORY = _schema(
    "ID integer, TYPE_ID integer, OWNER_ID integer, CREATED_TIME datetime, STATUS_SEMANTIC_ID string, STATUS_ID string"
)
ACTIVITY = _schema(
    "ID integer, OWNER_ID integer, OWNER_TYPE_ID integer, TYPE_ID integer, PROVIDER_ID string, PROVIDER_TYPE_ID string,"
    "PROVIDER_GROUP_ID string, ASSOCIATED_ENTITY_ID integer, SUBJECT string, CREATED datetime, LAST_UPDATED datetime,"
    "START_TIME datetime, END_TIME datetime, DEADLINE datetime, COMPLETED char, STATUS integer, RESPONSIBLE_ID user,"
    "PRIORITY integer, NOTIFY_TYPE integer, NOTIFY_VALUE integer, DESCRIPTION string, DESCRIPTION_TYPE integer,"
    "DIRECTION integer, LOCATION string, SETTINGS object, ORIGINATOR_ID string, ORIGIN_ID string, AUTHOR_ID user,"
    "EDITOR_ID user, PROVIDER_PARAMS object, PROVIDER_DATA string, RESULT_MARK integer, RESULT_VALUE double,"
    "RESULT_SUM double, RESULT_CURRENCY_ID string, RESULT_STATUS integer, RESULT_STREAM integer,"
    "RESULT_SOURCE_ID string, AUTOCOMPLETE_RULE integer, IS_INCOMING_CHANNEL char"
)
COMMENT = _schema("ID integer, ENTITY_ID integer, ENTITY_TYPE string, CREATED datetime, COMMENT string, AUTHOR_ID user")
COMPANY = _schema(
    "ID integer, COMPANY_TYPE crm_status, TITLE string, LOGO file, LEAD_ID crm_lead, HAS_PHONE char, HAS_EMAIL char,"
    "HAS_IMOL char, ASSIGNED_BY_ID user, CREATED_BY_ID user, MODIFY_BY_ID user, BANKING_DETAILS string,"
    "INDUSTRY crm_status, REVENUE double, CURRENCY_ID crm_currency, EMPLOYEES crm_status, COMMENTS string,"
    "DATE_CREATE datetime, DATE_MODIFY datetime, OPENED char, IS_MY_COMPANY char, ORIGINATOR_ID string,"
    f"ORIGIN_ID string, ORIGIN_VERSION string, {_UTM}, LAST_ACTIVITY_BY user, LAST_ACTIVITY_TIME datetime,"
    "LAST_COMMUNICATION_TIME string"
)
CONTACT = _schema(
    "ID integer, POST string, COMMENTS string, HONORIFIC crm_status, NAME string, SECOND_NAME string, LAST_NAME string,"
    "PHOTO file, LEAD_ID crm_lead, TYPE_ID crm_status, SOURCE_ID crm_status, SOURCE_DESCRIPTION string,"
    "COMPANY_ID crm_company, BIRTHDATE date, EXPORT char, HAS_PHONE char, HAS_EMAIL char, HAS_IMOL char,"
    "DATE_CREATE datetime, DATE_MODIFY datetime, ASSIGNED_BY_ID user, CREATED_BY_ID user, MODIFY_BY_ID user,"
    "OPENED char, ORIGINATOR_ID string, ORIGIN_ID string, ORIGIN_VERSION string, FACE_ID integer,"
    f"LAST_ACTIVITY_TIME datetime, {_UTM}, LAST_ACTIVITY_BY user"
)
USER = _schema(
    "ID integer, ACTIVE boolean, NAME string, LAST_NAME string, SECOND_NAME string, EMAIL string, LAST_LOGIN datetime,"
    "DATE_REGISTER datetime, TIME_ZONE string, IS_ONLINE char, TIMESTAMP_X object, LAST_ACTIVITY_DATE object,"
    "PERSONAL_GENDER string, PERSONAL_WWW string, PERSONAL_BIRTHDAY string, PERSONAL_MOBILE string,"
    "PERSONAL_CITY string, WORK_PHONE string, WORK_POSITION string, UF_EMPLOYMENT_DATE string,"
    "UF_DEPARTMENT list, USER_TYPE string"
)
DEPARTMENT = _schema("ID integer, NAME string, SORT integer, PARENT integer, UF_HEAD integer")
STATUS = _schema(
    "ID integer, ENTITY_ID string, STATUS_ID string, NAME string, NAME_INIT string, SORT integer, SYSTEM char,"
    "CATEGORY_ID integer, COLOR string, SEMANTICS string, EXTRA object"
)
CALL = _schema(
    "ID integer, PORTAL_USER_ID user, PORTAL_NUMBER string, PHONE_NUMBER string, CALL_ID string,"
    "EXTERNAL_CALL_ID string, CALL_CATEGORY string, CALL_LOG string, CALL_DURATION integer, CALL_START_DATE datetime,"
    "CALL_RECORD_URL string, CALL_VOTE integer, COST string, COST_CURRENCY string, CALL_FAILED_CODE string,"
    "CALL_FAILED_REASON string, CRM_ENTITY_TYPE string, CRM_ENTITY_ID integer, CRM_ACTIVITY_ID integer,"
    "REST_APP_ID integer, REST_APP_NAME string, TRANSCRIPT_ID integer, TRANSCRIPT_PENDING char, SESSION_ID string,"
    "REDIAL_ATTEMPT integer, COMMENT string, RECORD_DURATION integer, RECORD_FILE_ID integer, CALL_TYPE integer"
)

# Of a smart process, whatever else its items have.
ITEM = _schema(
    "ID integer, TITLE string, XML_ID string, DATE_CREATE datetime, DATE_MODIFY datetime, CREATED_BY_ID user,"
    "MODIFY_BY_ID user, ASSIGNED_BY_ID user, OPENED char, BEGINDATE date, CLOSEDATE date, CATEGORY_ID integer,"
    "MOVED_TIME datetime, MOVED_BY_ID user, STAGE_ID crm_status, PREVIOUS_STAGE_ID crm_status, SOURCE_ID crm_status,"
    "SOURCE_DESCRIPTION string, OPPORTUNITY double, IS_MANUAL_OPPORTUNITY char, TAX_VALUE double,"
    "CURRENCY_ID crm_currency, COMPANY_ID crm_company, MYCOMPANY_ID crm_company, CONTACT_ID crm_contact,"
    "LAST_ACTIVITY_BY user, LAST_ACTIVITY_TIME datetime"
)

OWNER_TYPES = {"lead": 1, "deal": 2, "contact": 3, "company": 4}

_CAMEL = {
    "DATE_CREATE": "createdTime", "DATE_MODIFY": "updatedTime", "CREATED_BY_ID": "createdBy",
    "MODIFY_BY_ID": "updatedBy", "MOVED_BY_ID": "movedBy", "STATUS_ID": "stageId",
    "STATUS_SEMANTIC_ID": "stageSemanticId",
}  # fmt: skip


@cache
def camel(name: str) -> str:
    """What a controller calls a legacy field: ASSIGNED_BY_ID is assignedById, UF_CRM_17 is ufCrm_17."""
    if name in _CAMEL:
        return _CAMEL[name]
    if name.startswith("UF_CRM_"):
        return "ufCrm_" + name.removeprefix("UF_CRM_")
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
