package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** JSON as the standard has it and nothing else: UTF-8, no key twice at any level, one value and then the end. */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactoryBuilder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private static final ObjectMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    private Json() {}

    static ObjectMapper mapper() {
        return MAPPER;
    }

    /** A parser of the tokens, for files too large for a tree. */
    static JsonParser parser(InputStream in) throws IOException {
        return FACTORY.createParser(reader(in));
    }

    /** Whether a file is an object with a field of this name, as far as it is read: to that field or to the end. */
    static boolean hasField(Path file, String name) {
        if (!FileBytes.startsWith(file, 1, start -> start.hasRemaining() && start.get(0) == '{')) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file);
                JsonParser json = parser(in)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                if (json.currentName().equals(name)) {
                    return true;
                }
                json.nextToken();
                json.skipChildren();
            }
            return false;
        } catch (IOException e) {
            return false;
        }
    }

    /** What is wrong with a text, without the parser's words on where its text came from. */
    static String reason(JacksonException e) {
        return e.getOriginalMessage().replaceAll(" \\([^()]*\\[Source: .*?line: (\\d+).*?]\\)", " (from line $1)");
    }

    /** Text of UTF-8 bytes; fails on bytes that are none. Given bytes, the JSON parser would guess the encoding. */
    static Reader reader(InputStream in) {
        return new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
    }
}
