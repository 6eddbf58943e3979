"""Names of fields that the dialects' protocols have: they say nothing of what a user wrote, so a shape may show them."""

_SNAKE = """
action annotations args arguments audio background betas budget_tokens cache_control cache_creation
cache_creation_input_tokens cache_read_input_tokens cached_tokens call_id candidates choices citations code
compacted completion_tokens completion_tokens_details container content content_block content_index context
context_management created created_at custom data delta description detail dimensions document edits effort
embedding embedding_format encoding_format encrypted_content end_turn environment error event_id extra_body
extra_content file file_data file_id file_url filename finish_reason first_id format frequency_penalty function
function_call functions generate_summary has_more id image image_url include include_usage incomplete_details index
input input_audio input_schema input_tokens input_tokens_details instructions is_error item item_id items json_schema
last_id limit logit_bias logprobs max_completion_tokens max_output_tokens max_tokens max_tool_calls mcp_servers
media_type message messages metadata mode modalities model models n name native_finish_reason object obfuscation output
output_config output_format output_index output_text output_tokens output_tokens_details owned_by parallel_tool_calls
parameters param part partial_json parts phase prediction presence_penalty previous_response_id prompt prompt_cache_key
prompt_cache_retention prompt_tokens prompt_tokens_details properties provider reason reasoning reasoning_content
reasoning_details reasoning_effort reasoning_tokens refusal required response response_format response_id result role
safety_identifier schema seed sequence_number server_tool_use service_tier signature source speed status stop stop_details
stop_reason stop_sequence stop_sequences store stream stream_options strict summary summary_index system
system_fingerprint temperature text text_format thinking thinking_budget thought thought_signature title tokens
tool_call_id tool_calls tool_choice tool_result tool_use_id tools top_k top_logprobs top_p total_tokens truncation ttl
type url usage user user_id verbosity version web_search_options
"""
_CAMEL = """
allowedFunctionNames blockReason cachedContent cachedContentTokenCount candidateCount candidatesTokenCount
citationMetadata codeExecution codeExecutionResult contents countTokens displayName executableCode fileData fileUri
finishMessage finishReason functionCall functionCallingConfig functionDeclarations functionResponse generationConfig
googleSearch groundingMetadata includeThoughts inlineData inputTokenLimit maxOutputTokens mediaResolution mimeType
modelVersion nextPageToken outputTokenLimit parametersJsonSchema project promptFeedback promptTokenCount request
responseId responseJsonSchema responseMimeType responseModalities responseSchema safetyRatings safetySettings
stopSequences supportedGenerationMethods systemInstruction thinkingBudget thinkingConfig thinkingLevel
thoughtSignature thoughtsTokenCount toolConfig toolUsePromptTokenCount topK topP totalTokenCount totalTokens
urlContext usageMetadata videoMetadata
"""

FIELD_NAMES = frozenset((*_SNAKE.split(), *_CAMEL.split()))
