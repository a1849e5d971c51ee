"""Stand-ins for the Slicer modules that this module talks to: SampleData and SegmentStatistics."""

from __future__ import annotations

import types
from typing import Any


def sample_data() -> types.ModuleType:
    """Make the module ``SampleData``; what is registered stays in ``registered``."""
    module = types.ModuleType("SampleData")
    module.registered = []

    class SampleDataSource:
        """One sample."""

        def __init__(self, **values: Any) -> None:
            self.__dict__.update(values)

    class SampleDataLogic:
        """Registers and loads samples."""

        @staticmethod
        def registerCustomSampleDataCategory(category: str, title: str) -> None:
            """Give a category a title."""

        @staticmethod
        def registerCustomSampleDataSource(
            category: str = "Custom",
            sampleName: str | None = None,
            uris: Any = None,
            fileNames: Any = None,
            nodeNames: Any = None,
            customDownloader: Any = None,
            thumbnailFileName: str | None = None,
            loadFileTypes: Any = None,
            loadFiles: Any = None,
            loadFileProperties: dict = {},  # noqa: B006 - the real signature
            checksums: Any = None,
            loadFileType: Any = None,
        ) -> None:
            """Record a sample."""
            values = dict(locals())
            if sampleName is None:
                raise TypeError("registerCustomSampleDataSource() requires sampleName")
            module.registered.append(SampleDataSource(**values))

        def isSampleDataSourceRegistered(self, category: str, source: Any) -> bool:
            """Whether the sample is there."""
            return any(
                s.category == category and s.sampleName == source.sampleName for s in module.registered
            )

        def sourceForSampleName(self, name: str) -> Any:
            """Return a sample, or None."""
            return next((source for source in module.registered if source.sampleName == name), None)

        def downloadSamples(self, name: str) -> Any:
            """Run the sample's own downloader; nothing else is possible without a network."""
            source = self.sourceForSampleName(name)
            if source is None:
                raise ValueError(f"Sample not found: {name}")
            if source.customDownloader is None:
                raise NotImplementedError("the harness does not download")
            return source.customDownloader(source)

        def downloadSample(self, name: str) -> Any:
            """Return the first node of a sample."""
            found = self.downloadSamples(name)
            return found[0] if isinstance(found, list | tuple) else found

        def logMessage(self, message: str, logLevel: int = 10) -> None:
            """Say something."""

    module.SampleDataLogic, module.SampleDataSource = SampleDataLogic, SampleDataSource
    return module


def _coded(code: str, scheme: str, meaning: str) -> Any:
    import slicer

    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(code, scheme, meaning)
    return entry


def statistics_plugin_base() -> types.ModuleType:
    """Make the module ``SegmentStatisticsPlugins`` with its base class."""
    module = types.ModuleType("SegmentStatisticsPlugins")

    class SegmentStatisticsPluginBase:
        """Base of plugins: keys, options and requested measurements."""

        def __init__(self) -> None:
            self.name = ""
            self.title = ""
            self.keys: Any = ()
            self.defaultKeys: Any = ()
            self.requestedKeysCheckboxes: dict = {}
            self.parameterNode: Any = None
            self.optionsWidget: Any = None

        @staticmethod
        def createCodedEntry(code: str, scheme: str, meaning: str, returnAsString: bool = False) -> Any:
            entry = _coded(code, scheme, meaning)
            return entry.GetAsString() if returnAsString else entry

        @staticmethod
        def createMeasurementInfo(
            name: str,
            title: str,
            description: str,
            units: str,
            quantityDicomCode: Any = None,
            unitsDicomCode: Any = None,
            measurementMethodDicomCode: Any = None,
            derivationDicomCode: Any = None,
            componentNames: Any = None,
        ) -> dict[str, Any]:
            info = {"name": name, "title": title, "description": description, "units": units}
            codes = {
                "DICOM.QuantityCode": quantityDicomCode,
                "DICOM.UnitsCode": unitsDicomCode,
                "DICOM.MeasurementMethodCode": measurementMethodDicomCode,
                "DICOM.DerivationCode": derivationDicomCode,
                "componentNames": componentNames,
            }
            return info | {key: value for key, value in codes.items() if value}

        def toLongKey(self, key: str) -> str:
            return f"{self.name}.{key}"

        def toShortKey(self, key: str) -> str:
            return key.removeprefix(f"{self.name}.")

        def setParameterNode(self, node: Any) -> None:
            self.parameterNode = node

        def getParameterNode(self) -> Any:
            return self.parameterNode

        def setDefaultParameters(self, node: Any, overwriteExisting: bool = False) -> None:
            for key, on in (("enabled", True), *((f"{k}.enabled", k in self.defaultKeys) for k in self.keys)):
                if overwriteExisting or not node.GetParameter(self.toLongKey(key)):
                    node.SetParameter(self.toLongKey(key), str(on))

        def getRequestedKeys(self) -> list[str]:
            node = self.parameterNode
            if node is None or node.GetParameter(self.toLongKey("enabled")) != "True":
                return []
            return [k for k in self.keys if node.GetParameter(self.toLongKey(f"{k}.enabled")) == "True"]

        def computeStatistics(self, segmentID: str) -> dict[str, Any]:
            return {}

        def getMeasurementInfo(self, key: str) -> Any:
            return {}

    module.SegmentStatisticsPluginBase = SegmentStatisticsPluginBase
    return module


def segment_statistics(base: types.ModuleType) -> types.ModuleType:
    """Make the module ``SegmentStatistics``: runs registered plugins over the segments."""
    module = types.ModuleType("SegmentStatistics")
    plugin_base = base.SegmentStatisticsPluginBase

    class SegmentStatisticsLogic:
        """Runs plugins; without the built-in ones."""

        registeredPlugins: list[Any] = []  # noqa: RUF012 - shared by all, as in Slicer

        @staticmethod
        def registerPlugin(plugin: Any) -> None:
            if not isinstance(plugin, plugin_base):
                raise TypeError("a plugin derives from SegmentStatisticsPluginBase")
            bad = [key for key in plugin.keys if "." in key]
            if bad:
                raise ValueError(f"Plugin keys must not contain '.': {bad}")
            known = SegmentStatisticsLogic.registeredPlugins
            known[:] = [p for p in known if type(p).__name__ != type(plugin).__name__] + [type(plugin)]

        def __init__(self, parent: Any = None) -> None:
            import slicer

            self.plugins = [plugin() for plugin in self.registeredPlugins]
            self._node = slicer.vtkMRMLScriptedModuleNode()
            self.statistics: dict[Any, Any] = {}
            for plugin in self.plugins:
                plugin.setDefaultParameters(self._node)
                plugin.setParameterNode(self._node)

        def getParameterNode(self) -> Any:
            return self._node

        def computeStatistics(self) -> None:
            import slicer

            node = slicer.mrmlScene.GetNodeByID(self._node.GetParameter("Segmentation"))
            segmentation = node.GetSegmentation()
            ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
            self.statistics = {"SegmentIDs": ids}
            for segment_id in ids:
                name = segmentation.GetSegment(segment_id).GetName()
                self.statistics[segment_id, "Segment"] = name
                for plugin in self.plugins:
                    for key, value in plugin.computeStatistics(segment_id).items():
                        self.statistics[segment_id, plugin.toLongKey(key)] = value

        def getStatistics(self) -> dict[Any, Any]:
            return self.statistics

        def reset(self) -> None:
            self.statistics = {}

    module.SegmentStatisticsLogic = SegmentStatisticsLogic
    return module


def translation() -> types.ModuleType:
    """Make ``slicer.i18n``."""
    module = types.ModuleType("slicer.i18n")
    module.tr = lambda text: text
    module.translate = lambda context, text: text
    module.getContext = lambda path: path
    return module
