from korproxy_addons.dialects.losses import Feature, Loss, Losses


def test_a_loss_is_noted_once_and_in_order() -> None:
    losses = Losses()
    losses.add(Feature.SEED)
    losses.add(Feature.NATIVE_FIELD, "truncation")
    losses.add(Feature.SEED)
    assert (Loss(Feature.SEED), Loss(Feature.NATIVE_FIELD, "truncation")) == losses.all()
    assert [str(loss) for loss in losses.all()] == ["seed", "native_field: truncation"]


def test_what_changes_the_answers_shape_is_serious_and_sampling_is_not() -> None:
    """T122."""
    serious = [Feature.CHOICES, Feature.LOGPROBS, Feature.AUDIO, Feature.IMAGE, Feature.STOP]
    assert all(Loss(feature).serious for feature in serious)
    assert not any(Loss(feature).serious for feature in (Feature.SEED, Feature.PENALTIES))
