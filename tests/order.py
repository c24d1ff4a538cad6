"""In which order the workers go through the suite: stories first, each worker its share of them, the longest in front.

Stories wait for processes, so that several at a time keep the machine busy. What is left for the end is short.
"""

from pathlib import Path

import pytest

STORIES = Path(__file__).with_name("stories")
LONGEST = (
    "test_a_first_time_user_follows_the_tour_from_labels_to_devices",
    "test_seven_power_cuts_and_still_one_run_for_each_ring_and_one_way_back",
    "test_it_is_there_for_its_visitor",
    "test_from_an_empty_workspace_to_the_first_model",
    "test_the_leader_dies_in_every_flow_and_each_thing_is_done_once",
    "test_a_canary_that_fails_and_one_that_is_silent_bring_the_old_model_back",
    "test_canary_first_then_all_and_back_by_a_click",
    "test_it_learns_and_every_epoch_is_reported",
    "test_power_cuts_and_lost_answers_between_the_click_and_the_run",
    "test_a_night_without_spotter",
    "test_each_cell_of_the_table",
    "test_health_readiness_metrics_and_a_graceful_end",
    "test_some_power_cuts_at_random_moments",
    "test_one_version_for_a_trial_whatever_goes_wrong",
    "test_a_new_model_is_shown_beside_the_one_that_it_would_replace",
    "test_killed_at_any_write_and_run_again_it_comes_to_the_same_end",
    "test_the_best_epoch_is_kept",
    "test_one_trial_fails_and_the_other_becomes_the_next_version",
    "test_people_watch_the_plant_and_act_there",
    "test_the_pipeline_builds_and_ships_ring_by_ring",
    "test_a_person_publishes_the_training_pipeline",
    "test_digests_are_typed_in_words_and_refused_in_words",
    "test_followers_survive_whatever_they_are_answered_and_go_on",
    "test_azure_hangs_and_nobody_waits_for_it",
)


def deal(tests: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same tests, for `--dist worksteal`, which gives each worker an equal part of them in this order at first."""
    early = sorted(filter(_is_early, tests), key=_rank)
    late = [test for test in tests if not _is_early(test)]
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        share = (len(tests) - len(dealt)) // (workers - worker)
        stories = early[worker::workers]
        filling = max(0, share - len(stories))
        dealt += stories + late[:filling]
        del late[:filling]
    return dealt


def _is_early(test: pytest.Item) -> bool:
    return STORIES in test.path.parents or _name(test) in LONGEST


def _rank(test: pytest.Item) -> int:
    name = _name(test)
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def _name(test: pytest.Item) -> str:
    return test.name.partition("[")[0]
