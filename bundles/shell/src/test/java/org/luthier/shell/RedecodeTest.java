package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.midi.MidiReader;
import org.luthier.midi.MidiWriter;
import org.luthier.shell.internal.Captured;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.workbench.KeptJobWriter;
import org.luthier.workbench.NotesJsonWriter;
import org.nd4j.linalg.factory.Nd4j;

/** {@code redecode}, on a job that never ran. That models decode again is tested in the workbench. */
class RedecodeTest {
    private static final List<Note> NOTES = List.of(
            Note.of(0.5, 2.5, 60, 127, 0, false),
            Note.of(1, 1.5, 64, 127, 40, false),
            Note.of(3, 3.01, 36, 127, 0, true));

    private final Captured captured = new Captured();
    private Studio studio;

    /** A job of three notes in two segments; its truth has two of them. */
    @BeforeEach
    void keep(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        studio.parts.add(Tokenizer.class, new Mt3Tokenizer(), "1.0.0", 0);
        studio.parts.add(Tokenizer.class, new Mt3PianoTokenizer(), "1.0.0", 0);
        studio.parts.add(NoteAssembler.class, new Mt3ReferenceAssembler(), "1.0.0", 0);
        studio.parts.add(NoteAssembler.class, new EveryPitch(), "2.0.0", 0);
        keep("song.job", TranscriptionWriter.MIDI);
        try (var out = Files.newOutputStream(folder.resolve("truth.mid"))) {
            new MidiWriter().write(transcription(NOTES.subList(0, 2), List.of(), TranscriptionWriter.MIDI), out);
        }
    }

    private void keep(String name, String midiWriter) {
        Mt3Tokenizer tokenizer = new Mt3Tokenizer();
        try (KeptJobWriter writer = new KeptJobWriter(studio.folder.resolve(name), false)) {
            writer.begin(new TokenLayout(tokenizer.vocabulary(), 1536, 1, 1024, 2.048));
            writer.keep(Position.segments(0, 2), Nd4j.ones(2, 4), Nd4j.ones(2, 4));
            writer.finish(transcription(NOTES, tokenizer.encode(NOTES, 4), midiWriter));
        }
    }

    private static Transcription transcription(List<Note> notes, List<SegmentTokens> segments, String midiWriter) {
        Provenance provenance = new Provenance(
                "0",
                new PartVersion("basic-pitch", "1.0.0"),
                "ab".repeat(32),
                new PartVersion("mt3", "0.9.0"),
                new PartVersion("greedy", "0.9.0"),
                new PartVersion("mt3-reference", "0.9.0"),
                "cpu",
                "cpu",
                Map.of(),
                new AudioFacts("song.wav", "wav", 16000, 1, 64000, 0.5, 0, 0, false, List.of()),
                List.of(),
                List.of());
        return new Transcription(4, notes, segments, 0, 0, provenance, midiWriter, new Timing(0, 0, 0, 0, 0, 0));
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private int run(String... arguments) {
        return studio.run(new Redecode(studio.surroundings, studio.workbench), captured, arguments);
    }

    @Test
    void showsBothResultsSideBySide() throws Exception {
        assertEquals(
                0,
                run("song.job", "--assembler", "every-pitch", "--truth", "truth.mid", "-o", "new.mid"),
                captured.err());
        Stream.of(
                        " +KEPT +NEW",
                        "model +basic-pitch 1.0.0 +basic-pitch 1.0.0",
                        "tokenizer +mt3 0.9.0 +mt3 1.0.0",
                        "decoder +greedy 0.9.0 +greedy 0.9.0",
                        "assembler +mt3-reference 0.9.0 +every-pitch 2.0.0",
                        "tokens +\\d+ +\\d+",
                        "notes +3 +5",
                        "invalid +0 +1",
                        "dropped +0 +2",
                        "onset F1 +1.0000 +0.\\d+",
                        "drums F1 +- +-",
                        "the tokens of all 2 segments are the same")
                .forEach(line -> assertTrue(
                        captured.out().lines().anyMatch(said -> said.matches(line)), line + " in\n" + captured.out()));
        assertEquals(5, MidiReader.read(studio.folder.resolve("new.mid")).size());
    }

    @Test
    void printsOneJsonObject() throws Exception {
        assertEquals(0, run("song.job", "--json", "--truth", "truth.mid"), captured.err());
        JsonNode json = new ObjectMapper().readTree(captured.out());
        assertEquals(List.of("segments", "changed", "kept", "new"), names(json));
        assertEquals(2, json.get("segments").intValue());
        assertEquals(0, json.get("changed").size());
        JsonNode kept = json.get("kept");
        JsonNode now = json.get("new");
        assertEquals(
                List.of(
                        "model",
                        "checkpoint",
                        "tokenizer",
                        "decoder",
                        "assembler",
                        "parameters",
                        "tokens",
                        "notes",
                        "invalid",
                        "dropped",
                        "scores"),
                names(now));
        assertEquals("1.0.0", now.get("assembler").get("version").textValue());
        assertEquals(3, now.get("notes").intValue());
        assertEquals(kept.get("scores"), now.get("scores"));
        assertEquals(1.0, now.get("scores").get("onset").get("f1").doubleValue());

        Captured plain = new Captured();
        assertEquals(0, studio.run(new Redecode(studio.surroundings, studio.workbench), plain, "song.job", "--json"));
        assertFalse(new ObjectMapper().readTree(plain.out()).get("new").has("scores"));
    }

    /** The model need not be there. */
    @Test
    void theWriterOfTheJobsModelWritesTheMidiFile() throws Exception {
        studio.parts.add(TranscriptionWriter.class, new NotesJsonWriter(), "1.0.0", 0);
        keep("other.job", "json");
        assertEquals(0, run("other.job", "-o", "new.mid"), captured.err());
        assertTrue(Files.readString(studio.folder.resolve("new.mid")).startsWith("{"));
    }

    private static List<String> names(JsonNode object) {
        return object.propertyStream().map(Map.Entry::getKey).toList();
    }

    @Test
    void takesTheParametersOfTheParts() {
        assertEquals(0, run("song.job", "--assembler", "every-pitch", "--length", "0.25", "--json"), captured.err());
        assertTrue(captured.out().contains("\"length\" : 0.25"), captured.out());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nowhere.job|1|nowhere.job",
                "truth.mid|1|truth.mid",
                "song.job --tokenizer mt3-piano|1|does not fit",
                "song.job --tokenizer mt4|1|no tokenizer 'mt4'",
                "song.job --assembler toy-notes|1|reads frames",
                "song.job --decoder greedy|1|no decoder 'greedy'",
                "song.job --length 2|2|unknown option --length",
                "song.job --truth nowhere.mid|1|nowhere.mid",
                "song.job -o nowhere/new.mid|1|nowhere",
                "song.job -o truth.mid|1|--force",
                "--json|2|JOB",
            })
    void refusesWhatCannotBe(String arguments, int code, String message) throws Exception {
        List<String> before = studio.files();
        assertEquals(code, run(arguments.split(" ")), captured.err());
        assertTrue(captured.err().contains(message), captured.err());
        assertEquals("", captured.out());
        assertEquals(before, studio.files());
    }

    @Test
    void aModelWithoutTokensIsNotKept() throws Exception {
        studio.audio("a.wav", "1 1");
        List<String> before = studio.files();
        Transcribe transcribe = new Transcribe(studio.surroundings, studio.workbench);
        assertEquals(1, studio.run(transcribe, captured, "a.wav", "--keep", "a.job"));
        assertTrue(captured.err().contains("leave out --keep"), captured.err());
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals(before, studio.files());
    }

    @Test
    void hasHelp() {
        assertEquals(0, run("--help"));
        assertTrue(captured.out().contains("--truth=MIDI"), captured.out());
    }

    /** A note for every pitch that is named, and for every hit. */
    private static final class EveryPitch implements TokenNoteAssembler {
        @Override
        public String id() {
            return "every-pitch";
        }

        @Override
        public String description() {
            return "A note for every pitch.";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(Parameter.number("length", 0.5, 0, 9, "s", "Length of a note."));
        }

        @Override
        public Assembly begin(Tokenizer tokenizer, Settings settings) {
            List<Note> notes = new ArrayList<>();
            return new Assembly() {
                @Override
                public List<Note> accept(SegmentEvents segment) {
                    segment.channels().get(0).forEach(event -> {
                        if (event.type().equals("pitch")) {
                            double start = segment.start() + notes.size();
                            notes.add(Note.of(start, start + settings.number("length"), event.value(), 64, 0, false));
                        }
                    });
                    return List.of();
                }

                @Override
                public Assembled finish() {
                    return new Assembled(notes, 1, 2);
                }
            };
        }
    }
}
