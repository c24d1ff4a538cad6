"""Who there is: users, user groups, the bot and the team."""

from ..limits import Tier
from ..messages import icons
from ..refusal import Json, Refused
from ..state import Slack
from ..workspace import APP, BOT, BOT_USER, CREATED, TEAM, Person, UserGroup
from .call import Call, Method
from .paging import page


def user_json(slack: Slack, person: Person, call: Call) -> Json:
    """The user object; the address only for tokens with `users:read.email`."""
    profile = {
        "title": person.title,
        "phone": "",
        "skype": "",
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": f"g{person.id.lower()}",
        "first_name": person.real_name,
        "last_name": "",
        "team": person.team,
    }
    if person.is_bot:
        profile |= {"api_app_id": APP, "bot_id": BOT, "always_active": False}
    elif "users:read.email" in call.scopes:
        profile["email"] = person.email
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "deleted": person.is_deactivated,
        "color": "9f69e7",
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": "Central European Time",
        "tz_offset": person.tz_offset(slack.workspace.clock()),
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "is_email_confirmed": not person.is_bot,
        "updated": CREATED,
        "who_can_share_contact_card": "EVERYONE",
    }


def _users_info(slack: Slack, call: Call) -> Json:
    return {"user": user_json(slack, slack.workspace.person(call.need("user")), call)}


def _users_list(slack: Slack, call: Call) -> Json:
    people, cursor = page(list(slack.workspace.people.values()), call, default=1000)
    members = [user_json(slack, person, call) for person in people]
    return {
        "members": members,
        "cache_ts": int(slack.workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


def _users_by_email(slack: Slack, call: Call) -> Json:
    wanted = call.need("email").lower()
    for person in slack.workspace.people.values():
        if person.email == wanted:
            return {"user": user_json(slack, person, call)}
    raise Refused("users_not_found")


def _group_json(group: UserGroup, call: Call) -> Json:
    body = {
        "id": group.id,
        "team_id": TEAM,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": CREATED,
        "date_update": CREATED,
        "date_delete": 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": group.users[0] if group.users else "",
        "updated_by": group.users[0] if group.users else "",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    if call.flag("include_users"):
        body["users"] = group.users
    if call.flag("include_count"):
        body["user_count"] = len(group.users)
    return body


def _groups_list(slack: Slack, call: Call) -> Json:
    return {"usergroups": [_group_json(group, call) for group in slack.workspace.groups.values()]}


def _group_users(slack: Slack, call: Call) -> Json:
    group = slack.workspace.groups.get(call.need("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": group.users}


def _bots_info(_: Slack, call: Call) -> Json:
    if call.text("bot", BOT) != BOT:
        raise Refused("bot_not_found")
    bot = {"id": BOT, "deleted": False, "name": "Spotter", "updated": CREATED, "app_id": APP}
    return {"bot": bot | {"user_id": BOT_USER, "icons": icons()}}


def _team_info(slack: Slack, call: Call) -> Json:
    if call.text("team", TEAM) != TEAM:
        raise Refused("team_not_found")
    team = slack.workspace.team_json()
    return {
        "team": team
        | {
            "url": f"{slack.url}/",
            "email_domain": "example.com",
            "icon": {"image_default": True},
            "is_verified": False,
        }
    }


METHODS = {
    "users.info": Method(_users_info, "users:read", Tier.FOUR),
    "users.list": Method(_users_list, "users:read", Tier.TWO),
    "users.lookupByEmail": Method(_users_by_email, "users:read.email", Tier.THREE),
    "usergroups.list": Method(_groups_list, "usergroups:read", Tier.TWO),
    "usergroups.users.list": Method(_group_users, "usergroups:read", Tier.TWO),
    "bots.info": Method(_bots_info, "users:read", Tier.THREE),
    "team.info": Method(_team_info, "team:read", Tier.THREE),
}
