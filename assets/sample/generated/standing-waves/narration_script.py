"""What the video says, by scene."""

SCRIPT = {
    "scene_01_intro": "A string between two walls can only swing in whole halves of its wave.",
}
