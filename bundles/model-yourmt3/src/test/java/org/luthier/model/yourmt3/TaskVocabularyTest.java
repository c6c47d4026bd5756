package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/** The ids of each task, against the reference's facts, which the tokenizers are held against too. */
class TaskVocabularyTest {
    @Test
    void everyTaskIsAsTheReferenceTells() throws IOException {
        JsonNode facts = new ObjectMapper()
                .readTree(Variant.reference("tokenizer/task_facts.json").toFile());
        for (Map.Entry<String, JsonNode> fact : facts.properties()) {
            String name = fact.getKey();
            if (name.equals("exc_v1")) {
                // There is no tokenizer for it.
                assertThrows(LuthierException.class, () -> TaskVocabulary.of(name));
                continue;
            }
            JsonNode expected = fact.getValue();
            TaskVocabulary task = TaskVocabulary.of(name);
            Vocabulary vocabulary = task.vocabulary();
            JsonNode ids = expected.get("ranges");
            assertEquals(name, vocabulary.task());
            assertEquals(expected.get("num_tokens").intValue(), vocabulary.size(), name);
            assertEquals(expected.get("channels").intValue(), task.channels(), name);
            assertEquals(expected.get("max_note_token_length_per_channel").intValue(), task.maxTokens(), name);
            assertEquals(ids.get("PAD").get(0).intValue(), vocabulary.pad(), name);
            assertEquals(ids.get("EOS").get(0).intValue(), vocabulary.end(), name);
            int next = 0;
            for (Range range : vocabulary.ranges()) {
                assertEquals(next, range.firstId(), name);
                next += range.count();
                if (!List.of("special", "task").contains(range.type())) {
                    assertEquals(ids.get(range.type()).get(0).intValue(), range.firstId(), name + range);
                    assertEquals(ids.get(range.type()).get(1).intValue(), next - 1, name + range);
                }
            }
            assertEquals(next, vocabulary.size(), name);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "mt3_full_plus, 596, 1, 1024, 7",
        "mc13_full_plus_256, 596, 13, 256, 7",
        "mc13, 596, 13, 512, 7",
        "singing_drum_v1, 600, 1, 1024, 8"
    })
    void whatATaskHas(String name, int size, int channels, int maxTokens, int ranges) {
        TaskVocabulary task = TaskVocabulary.of(name);
        assertEquals(size, task.vocabulary().size());
        assertEquals(channels, task.channels());
        assertEquals(maxTokens, task.maxTokens());
        assertEquals(ranges, task.vocabulary().ranges().size());
    }

    @ParameterizedTest
    @CsvSource({
        "mt3_full_plus, 13, 596, 'expected one of 13 channels, as the decoder has, got ''mt3_full_plus'', which has 1'",
        "mc13, 1, 596, 'expected one of 1 channel, as the decoder has, got ''mc13'', which has 13'",
        "singing_v1, 1, 596, 'vocab_size: expected at least 599, the ids of task singing_v1, got 596'"
    })
    void aTaskThatIsNotThatOfTheDecoderIsRefused(String task, int channels, int rows, String why) {
        YourMt3Configuration configuration =
                new YourMt3Configuration(task, null, null, 0, null, null, null, channels, rows, true);
        String message = assertThrows(LuthierException.class, () -> TaskVocabulary.of(configuration))
                .getMessage();
        assertTrue(message.endsWith(why), message);
    }

    @Test
    void aTaskThatThereIsNotIsRefusedWithThoseThatThereAre() {
        for (String name : new String[] {null, "mt4"}) {
            String message = assertThrows(LuthierException.class, () -> TaskVocabulary.of(name))
                    .getMessage();
            assertTrue(message.contains("mc13_full_plus_256"), message);
            assertTrue(message.endsWith(name == null ? "got nothing" : "got 'mt4'"), message);
        }
    }
}
