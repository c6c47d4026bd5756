package org.luthier.tokenizer.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Vocabulary.Range;

/** The reference's tasks, classes, channels, and what it encodes. */
class ReferenceTest {
    private static final Path REFERENCE =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/tokenizer");

    private static JsonNode read(String file) throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(REFERENCE), "no reference data at " + REFERENCE);
        return new ObjectMapper().readTree(REFERENCE.resolve(file).toFile());
    }

    static Stream<NoteTokenizer> tokenizers() {
        return Tasks.all().stream();
    }

    /** Ranges, and their lengths; the reference names each special and task id by itself. */
    @ParameterizedTest
    @MethodSource("tokenizers")
    void idsAreTheTasks(NoteTokenizer tokenizer) throws IOException {
        JsonNode facts = read("task_facts.json").get(tokenizer.id());
        assertEquals(facts.get("num_tokens").intValue(), tokenizer.vocabulary().size());
        List<String> named = List.of("shift", "pitch", "velocity", "tie", "program", "drum");
        int unnamed = 0;
        for (Map.Entry<String, JsonNode> one : facts.get("ranges").properties()) {
            int first = one.getValue().get(0).intValue();
            int count = one.getValue().get(1).intValue() - first + 1;
            if (named.contains(one.getKey())) {
                assertTrue(tokenizer.vocabulary().ranges().contains(new Range(one.getKey(), first, count, 0)));
            } else {
                unnamed += count;
            }
        }
        List<Range> ranges = tokenizer.vocabulary().ranges();
        assertEquals(
                unnamed,
                ranges.stream()
                        .filter(range -> !named.contains(range.type()))
                        .mapToInt(Range::count)
                        .sum());
        List<SegmentTokens> silence = tokenizer.encode(List.of(), 1);
        assertEquals(facts.get("channels").intValue(), silence.get(0).channels().size());
    }

    /** As many as the task allows and no more, the prefix apart. */
    @ParameterizedTest
    @MethodSource("tokenizers")
    void aRowIsCutAtTheLimit(NoteTokenizer tokenizer) throws IOException {
        JsonNode facts = read("task_facts.json").get(tokenizer.id());
        List<Note> notes = new ArrayList<>();
        for (int step = 0; step < 200; step++) {
            for (int pitch = 60; pitch < 70; pitch++) {
                notes.add(Note.of(step / 100.0, (step + 1) / 100.0, pitch, 80, 0, false));
            }
        }
        SegmentTokens segment = tokenizer.encode(notes, 2).get(0);
        assertEquals(
                facts.get("max_note_token_length_per_channel").intValue(),
                segment.channels().get(0).size());
    }

    @Test
    void onlyTheUnfinishedTaskIsMissing() throws IOException {
        List<String> tasks = new ArrayList<>();
        read("task_facts.json").properties().forEach(task -> tasks.add(task.getKey()));
        tasks.remove("exc_v1");
        assertEquals(
                tasks.stream().sorted().toList(),
                tokenizers().map(NoteTokenizer::id).sorted().toList());
    }

    @Test
    void classesAndChannels() throws IOException {
        JsonNode all = read("vocabularies.json");
        JsonNode programs = all.get("program_vocabs");
        assertClasses(programs.get("mt3_midi"), NumberClasses.GM);
        assertClasses(programs.get("mt3_midi_plus"), NumberClasses.GM_PLUS);
        assertClasses(programs.get("gm_plus"), NumberClasses.GM_PLUS);
        assertClasses(programs.get("mt3_full"), NumberClasses.MT3_FULL);
        assertClasses(programs.get("mt3_full_plus"), NumberClasses.MT3_FULL_PLUS);
        assertClasses(programs.get("gm_ext_plus"), NumberClasses.GM_EXT_PLUS);
        assertClasses(all.get("drum_vocabs").get("gm"), NumberClasses.DRUMS);
        Task task = Task.multiChannel("any", NumberClasses.MT3_FULL_PLUS, 256);
        JsonNode channels = all.get("program_to_channel_mc13");
        for (int program = 0; program < 128; program++) {
            JsonNode channel = channels.get(Integer.toString(program));
            assertEquals(channel == null ? -1 : channel.intValue(), task.channelOf(program));
        }
        assertEquals(channels.get("128").intValue(), task.drumChannel());
    }

    private static void assertClasses(JsonNode expected, NumberClasses classes) {
        assertEquals(expected.size(), classes.count());
        int[] first = new int[128];
        Arrays.setAll(first, number -> number);
        int[] index = new int[128];
        Arrays.fill(index, -1);
        int at = 0;
        for (JsonNode numbers : expected) {
            for (JsonNode number : numbers) {
                first[number.intValue()] = numbers.get(0).intValue();
                index[number.intValue()] = at;
            }
            at++;
        }
        for (int number = 0; number < 128; number++) {
            assertEquals(first[number], classes.representative(number));
            assertEquals(index[number], classes.indexOf(number));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"e1", "e2", "e3", "e4"})
    void idsOfNotes(String id) throws IOException {
        JsonNode cases = read("encode_cases.json").get("cases");
        assertEquals(4, cases.size());
        JsonNode one = null;
        for (JsonNode each : cases) {
            one = each.get("id").textValue().equals(id) ? each : one;
        }
        List<Note> notes = new ArrayList<>();
        for (JsonNode row : one.get("notes")) {
            boolean drum = row.get(0).booleanValue();
            notes.add(Note.of(
                    row.get(2).doubleValue(),
                    row.get(3).doubleValue(),
                    row.get(4).intValue(),
                    100,
                    drum ? 0 : row.get(1).intValue(),
                    drum));
        }
        String task = one.get("task").textValue();
        NoteTokenizer tokenizer =
                tokenizers().filter(each -> each.id().equals(task)).findFirst().orElseThrow();
        List<SegmentTokens> segments = tokenizer.encode(notes, 0);
        assertEquals(one.get("segment_sec").doubleValue(), tokenizer.segmentSeconds());
        assertEquals(one.get("tokens").size(), segments.size());
        for (int i = 0; i < segments.size(); i++) {
            SegmentTokens segment = segments.get(i);
            assertEquals(one.get("start_times").get(i).doubleValue(), segment.start());
            List<String> expected = new ArrayList<>();
            one.get("tokens").get(i).forEach(row -> expected.add(row.toString()));
            assertEquals(
                    expected,
                    segment.channels().stream()
                            .map(row -> row.makeString("[", ",", "]"))
                            .toList(),
                    "segment " + i);
        }
    }
}
