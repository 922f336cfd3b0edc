"""Whose documents a request names: ours, or another repository's or community's (ITI TF-2: 3.43.4.1.2)."""

from ebxml.model import DocumentRequest
from ihe.error_codes import UNKNOWN_COMMUNITY, UNKNOWN_REPOSITORY_ID, RegistryError


def misdirected(
    wanted: DocumentRequest, repository_unique_id: str, home_community_id: str
) -> RegistryError | None:
    """Whether somebody else is asked (ITI TF-3: Table 4.2.4.1-2)."""
    if wanted.home_community_id and wanted.home_community_id != home_community_id:
        context = f"homeCommunityId is {wanted.home_community_id}, this community is {home_community_id}"
        return UNKNOWN_COMMUNITY.error(context, wanted.document_unique_id)
    if wanted.repository_unique_id != repository_unique_id:
        context = (
            f"repositoryUniqueId is {wanted.repository_unique_id}, this repository is {repository_unique_id}"
        )
        return UNKNOWN_REPOSITORY_ID.error(context, wanted.document_unique_id)
    return None
