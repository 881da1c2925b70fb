"""A step of setuptools: the wheel holds the built page."""

from setuptools.command.build_py import build_py

from page import building


class WithPage(build_py):
    def run(self) -> None:
        building.build()
        super().run()
