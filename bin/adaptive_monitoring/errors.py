"""Every error that a user can see, drawn as a tree, one code each.

    AdaptiveError                 ADM000
    ├── UsageError                ADM001  the search as typed
    │   ├── UnknownOption         ADM010
    │   ├── BadValue              ADM011
    │   ├── MissingArgument       ADM012
    │   └── BadGrammar            ADM013
    ├── InputError                ADM002  the rows of the search
    │   ├── NoTime                ADM020
    │   ├── MissingField          ADM021
    │   ├── BadBody               ADM022
    │   ├── TooManySeries         ADM023
    │   ├── OutOfTime             ADM024
    │   ├── BadPacked             ADM025
    │   ├── BadThresholds         ADM026  a lookup of static thresholds or incidents
    │   ├── BadCalendar           ADM027  a lookup of calendar rules
    │   └── BadVerdict            ADM028
    ├── ModelError                ADM003  stored models
    │   ├── CollectionNotFound    ADM030
    │   ├── Tampered              ADM031
    │   ├── BadCollectionName     ADM032
    │   ├── NotWritable           ADM033
    │   ├── TooLarge              ADM034
    │   ├── SpanMismatch          ADM035
    │   ├── VersionNotFound       ADM036
    │   ├── Changed               ADM037  by another search meanwhile
    │   ├── NotReplayable         ADM038
    │   └── Locked                ADM039
    ├── ProtocolError             ADM004  what splunkd sent
    │   ├── Truncated             ADM040
    │   └── BadHeader             ADM041
    ├── SplunkdError              ADM005  splunkd's REST interface
    │   ├── Refused               ADM050  401, 403
    │   ├── NotFound              ADM051  404
    │   ├── Conflict              ADM052  409
    │   ├── Busy                  ADM053  429, 503
    │   └── Unreachable           ADM054
    ├── DependencyError           ADM006  libraries of the companion add-on
    │   ├── NumpyMissing          ADM060
    │   └── ScikitMissing         ADM061
    └── InternalError             ADM090  a fault of this app

A text says what, where, allowed, got and what to do, for example
`adaptdetect: window must be a span such as 5m or 1h; got "5x" (ADM011)`; the code is added by `str()`.
"""

from __future__ import annotations


class AdaptiveError(Exception):
    """Root of the tree. text: a sentence for the person who typed the search, without the code."""

    code = "ADM000"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text} ({self.code})"


class UsageError(AdaptiveError):
    """The search is written in a way the command does not know."""

    code = "ADM001"


class UnknownOption(UsageError):
    """No such option; the text names the nearest one."""

    code = "ADM010"


class BadValue(UsageError):
    """An option's value is outside what is allowed."""

    code = "ADM011"


class MissingArgument(UsageError):
    """Something the command cannot do without was not typed."""

    code = "ADM012"


class BadGrammar(UsageError):
    """The words are in an order that has no meaning."""

    code = "ADM013"


class InputError(AdaptiveError):
    """The rows of the search cannot be used."""

    code = "ADM002"


class NoTime(InputError):
    """No row has a usable _time."""

    code = "ADM020"


class MissingField(InputError):
    """A field that was named does not occur in the rows."""

    code = "ADM021"


class BadBody(InputError):
    """A chunk is not the CSV that its header promises."""

    code = "ADM022"


class TooManySeries(InputError):
    """More entities than max_series; the others are used."""

    code = "ADM023"


class OutOfTime(InputError):
    """max_runtime has passed; what was done until then is kept."""

    code = "ADM024"


class BadPacked(InputError):
    """A row that an indexer packed cannot be read: damaged, or of another version."""

    code = "ADM025"


class BadThresholds(InputError):
    """A lookup of static thresholds or known incidents, or one of its rows, cannot be used."""

    code = "ADM026"


class BadCalendar(InputError):
    """A lookup of calendar rules, or one of its rows, cannot be used."""

    code = "ADM027"


class BadVerdict(InputError):
    """A row with a verdict that cannot be understood, or about an unknown entity."""

    code = "ADM028"


class ModelError(AdaptiveError):
    """A stored collection of models cannot be used."""

    code = "ADM003"


class CollectionNotFound(ModelError):
    """No lookup file of that collection."""

    code = "ADM030"


class Tampered(ModelError):
    """A row's hash does not fit its cells."""

    code = "ADM031"


class BadCollectionName(ModelError):
    """A collection name that is not a safe file name."""

    code = "ADM032"


class NotWritable(ModelError):
    """The lookup could not be written; what was stored before is still there."""

    code = "ADM033"


class TooLarge(ModelError):
    """A collection or a row is beyond its size limit."""

    code = "ADM034"


class SpanMismatch(ModelError):
    """The rows have another time step than the models."""

    code = "ADM035"


class VersionNotFound(ModelError):
    """A version of a collection that is not kept."""

    code = "ADM036"


class Changed(ModelError):
    """Another search has changed the collection meanwhile; nothing was written."""

    code = "ADM037"


class NotReplayable(ModelError):
    """A training cannot be repeated: its search, its data or the version before it are not known any more."""

    code = "ADM038"


class Locked(ModelError):
    """Locked rows stand in the way; nothing was changed."""

    code = "ADM039"


class ProtocolError(AdaptiveError):
    """The conversation with splunkd is broken; nothing more can be read from it."""

    code = "ADM004"


class Truncated(ProtocolError):
    """The stream ended inside a chunk."""

    code = "ADM040"


class BadHeader(ProtocolError):
    """A chunk header or its metadata is not of protocol version 2."""

    code = "ADM041"


class SplunkdError(AdaptiveError):
    """splunkd's REST interface did not do what was asked."""

    code = "ADM005"


class Refused(SplunkdError):
    """401 or 403: the user of the search lacks a right."""

    code = "ADM050"


class NotFound(SplunkdError):
    """404."""

    code = "ADM051"


class Conflict(SplunkdError):
    """409: exists already, or was changed meanwhile."""

    code = "ADM052"


class Busy(SplunkdError):
    """429 or 503, also after retries."""

    code = "ADM053"


class Unreachable(SplunkdError):
    """No answer, or not within the time allowed."""

    code = "ADM054"


class DependencyError(AdaptiveError):
    """A library that the companion add-on brings is missing."""

    code = "ADM006"


class NumpyMissing(DependencyError):
    """numpy cannot be imported."""

    code = "ADM060"


class ScikitMissing(DependencyError):
    """scikit-learn, scipy or joblib cannot be imported."""

    code = "ADM061"


class InternalError(AdaptiveError):
    """A fault of this app. The text names the type of the exception and the place."""

    code = "ADM090"
