"""The body Gemini's generateContent takes, as data, in camelCase; any other name is unknown."""

from launcher.simulator.wire.shape import (
    Any_,
    Bool,
    Int,
    Items,
    Null,
    Num,
    Obj,
    OneOf,
    Shape,
    Str,
)


def _or_null(shape: Shape) -> OneOf:
    return OneOf((shape, Null()))


_MEDIA = {"mimeType": Str(), "displayName": Str()}
_BLOB = Obj({**_MEDIA, "data": Str()})
_FILE = Obj({**_MEDIA, "fileUri": Str()}, ("fileUri",))
_PART = Obj(
    {
        "text": Str(),
        "thought": Bool(),
        "thoughtSignature": Str(),
        "inlineData": _BLOB,
        "fileData": _FILE,
        "functionCall": Obj(
            {
                "name": Str(),
                "args": _or_null(Obj(open=True)),
                "id": Str(),
                "partialArgs": Any_(),
                "willContinue": Bool(),
            },
            ("name",),
        ),
        "functionResponse": Obj(
            {
                "name": Str(),
                "response": Obj(open=True),
                "id": Str(),
                "parts": Items(Obj({"inlineData": _BLOB, "fileData": _FILE})),
                "willContinue": Bool(),
                "scheduling": Str(),
            },
            ("name", "response"),
        ),
        "executableCode": Obj(open=True),
        "codeExecutionResult": Obj(open=True),
        "toolCall": Obj(open=True),
        "toolResponse": Obj(open=True),
        "videoMetadata": Any_(),
        "mediaResolution": Any_(),
        "partMetadata": Any_(),
    }
)
_CONTENT = Obj({"role": Str(), "parts": OneOf((Items(_PART), _PART))})

SCHEMA_FIELDS: dict[str, Shape] = {
    "type": Str(),
    "format": Str(),
    "title": Str(),
    "description": Str(),
    "nullable": Bool(),
    "enum": Items(Str()),
    "minItems": OneOf((Int(), Str())),
    "maxItems": OneOf((Int(), Str())),
    "minProperties": OneOf((Int(), Str())),
    "maxProperties": OneOf((Int(), Str())),
    "minLength": OneOf((Int(), Str())),
    "maxLength": OneOf((Int(), Str())),
    "minimum": Num(),
    "maximum": Num(),
    "pattern": Str(),
    "example": Any_(),
    "default": Any_(),
    "required": Items(Str()),
    "propertyOrdering": Items(Str()),
}


class _Properties(dict[str, Shape]):
    """Every name is a property, and every property is a schema."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Shape:
        return SCHEMA


SCHEMA = Obj(SCHEMA_FIELDS)
SCHEMA_FIELDS |= {"items": SCHEMA, "anyOf": Items(SCHEMA), "properties": Obj(_Properties())}

_DECLARATION = Obj(
    {
        "name": Str(),
        "description": Str(),
        "parameters": SCHEMA,
        "parametersJsonSchema": Any_(),
        "response": SCHEMA,
        "responseJsonSchema": Any_(),
        "behavior": Str(),
    },
    ("name",),
)
_TOOL = Obj(
    {
        "functionDeclarations": Items(_DECLARATION),
        "googleSearch": Any_(),
        "googleSearchRetrieval": Any_(),
        "codeExecution": Any_(),
        "urlContext": Any_(),
        "computerUse": Any_(),
        "fileSearch": Any_(),
        "googleMaps": Any_(),
        "mcpServers": Any_(),
    }
)
_GENERATION = Obj(
    {
        "candidateCount": Int(1, 8),
        "stopSequences": Items(Str()),
        "maxOutputTokens": Int(1),
        "temperature": Num(0, 2),
        "topP": Num(0, 1),
        "topK": Num(),
        "seed": Int(),
        "presencePenalty": Num(),
        "frequencyPenalty": Num(),
        "responseLogprobs": Bool(),
        "logprobs": Int(),
        "responseMimeType": Str(),
        "responseSchema": SCHEMA,
        "responseJsonSchema": Any_(),
        "responseModalities": Items(Str()),
        "responseFormat": Any_(),
        "speechConfig": Any_(),
        "imageConfig": Any_(),
        "mediaResolution": Str(),
        "enableEnhancedCivicAnswers": Bool(),
        "thinkingConfig": Obj(
            {
                "thinkingBudget": Int(-1),
                "thinkingLevel": Str(),
                "includeThoughts": Bool(),
            }
        ),
    }
)
_SAFETY = Items(Obj({"category": Str(), "threshold": Str(), "method": Str()}))

_FIELDS: dict[str, Shape] = {
    "contents": OneOf((Items(_CONTENT, least=1), _CONTENT)),
    "systemInstruction": OneOf((_CONTENT, Str())),
    "tools": OneOf((Items(_TOOL), _TOOL)),
    "toolConfig": Obj(
        {
            "functionCallingConfig": Obj(
                {
                    "mode": Str(),
                    "allowedFunctionNames": Items(Str()),
                    "streamFunctionCallArguments": Bool(),
                }
            ),
            "retrievalConfig": Any_(),
            "includeServerSideToolInvocations": Bool(),
        }
    ),
    "generationConfig": _GENERATION,
    "safetySettings": _SAFETY,
    "cachedContent": Str(),
    "model": Str(),
    "serviceTier": Str(),
    "store": Bool(),
    "labels": Any_(),
}
REQUEST = Obj(_FIELDS, ("contents",))
CODE_ASSIST_REQUEST = Obj({**_FIELDS, "sessionId": Str()}, ("contents",))
