import pytest

from tests.notify.office import Office, make_office


@pytest.fixture
def office() -> Office:
    return make_office()
