package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
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
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.luthier.api.checkpoint.CheckpointException;

/** JSON as the standard has it and nothing else: UTF-8, no key twice at any level, one value and then the end. */
final class Json {
    /** Keys of a stranger's file are not kept in the parser's tables. */
    private static final JsonFactory FACTORY = new JsonFactoryBuilder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** To find a field; what is twice is found when the file is read. */
    private static final JsonFactory LENIENT = new JsonFactoryBuilder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private static final long MOST_LOOKED_AT = 100_000_000;

    private static final ObjectMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    private static final int LONGEST_REASON = 300;

    private Json() {}

    static ObjectMapper mapper() {
        return MAPPER;
    }

    /** Takes the tokens of a text. */
    interface Tokens {
        void read(JsonParser json) throws IOException;
    }

    /**
     * Reads a part of a file token by token, for texts too large for a tree.
     *
     * @param rules what the names of broken rules begin with, before {@code json} and {@code utf8}
     * @throws CheckpointException if the part is no JSON, not UTF-8 or cannot be read
     */
    static void read(FileBytes file, long begin, long length, String rules, Tokens tokens) {
        try (JsonParser json = FACTORY.createParser(reader(file.stream(begin, length)))) {
            tokens.read(json);
        } catch (JacksonException e) {
            throw new CheckpointException(
                    file.path().toString(),
                    at(begin, e.getLocation()),
                    rules + "json",
                    "no valid JSON: " + reason(e),
                    e);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file.path().toString(), begin, rules + "utf8", "not UTF-8", e);
        } catch (IOException e) {
            throw FileBytes.unreadable(file.path(), e);
        }
    }

    /** Where in a file a place in a text that begins at an offset is; exact as long as the text before it is ASCII. */
    static long at(long begin, JsonLocation place) {
        return begin + (place == null ? 0 : Math.max(0, place.getCharOffset()));
    }

    /** Whether a file is an object with a field of this name, as far as it is read: to that field or to the end. */
    static boolean hasField(Path file, String name) {
        if (!FileBytes.startsWith(file, 1, start -> start.hasRemaining() && start.get(0) == '{')) {
            return false;
        }
        try (FileBytes bytes = FileBytes.open(file);
                JsonParser json =
                        LENIENT.createParser(reader(bytes.stream(0, Math.min(bytes.size(), MOST_LOOKED_AT))))) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                if (json.currentName().equals(name)) {
                    return true;
                }
                json.nextToken();
                json.skipChildren();
            }
            return false;
        } catch (IOException | CheckpointException e) {
            return false;
        }
    }

    /** What is wrong with a text, without the parser's words on where its text came from. */
    static String reason(JacksonException e) {
        return Names.brief(
                e.getOriginalMessage().replaceAll(" \\([^()]*\\[Source: .*?line: (\\d+).*?]\\)", " (from line $1)"),
                LONGEST_REASON);
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
