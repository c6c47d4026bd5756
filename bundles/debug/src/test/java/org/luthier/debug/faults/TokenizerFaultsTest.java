package org.luthier.debug.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.debug.doctor.Diagnosis;
import org.luthier.debug.doctor.Doctor;
import org.luthier.debug.doctor.Finding;
import org.luthier.debug.doctor.Stage;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Parts;
import org.luthier.workbench.Workbench;

/** Tokenizers that read ids as other events than the model was trained on. No tensor shows it: the doctor does, from the file alone. */
class TokenizerFaultsTest {
    private static final Path MODELS = Subjects.ROOT.resolve("samples/debug/models");
    private static final Tokenizer RIGHT = new Mt3Tokenizer();

    enum Fault {
        /** Ids counted from the first event, without padding, end and unknown. */
        SPECIAL_IDS_NOT_COUNTED {
            @Override
            Vocabulary vocabulary(Vocabulary right) {
                List<Range> ranges = new ArrayList<>();
                for (Range range : right.ranges().subList(1, right.ranges().size())) {
                    ranges.add(new Range(range.type(), range.firstId() - 3, range.count(), range.firstValue()));
                }
                return new Vocabulary(right.task(), right.size() - 3, right.pad(), right.end(), ranges);
            }
        },
        /** One step less in a shift, so that all that follows is an id too early. */
        A_STEP_LESS {
            @Override
            Vocabulary vocabulary(Vocabulary right) {
                return ordered(
                        right,
                        right.ranges().stream()
                                .map(range -> range.type().equals("shift")
                                        ? new Range(
                                                range.type(), range.firstId(), range.count() - 1, range.firstValue())
                                        : range)
                                .toList());
            }
        },
        /** Velocities in front of pitches. */
        VELOCITY_FIRST {
            @Override
            Vocabulary vocabulary(Vocabulary right) {
                List<Range> ranges = new ArrayList<>(right.ranges());
                Collections.swap(ranges, 2, 3);
                return ordered(right, ranges);
            }
        },
        /** The velocities of the piano model, 128 of them, and no ties. */
        OF_THE_PIANO {
            @Override
            Vocabulary vocabulary(Vocabulary right) {
                return new Mt3PianoTokenizer().vocabulary();
            }
        };

        abstract Vocabulary vocabulary(Vocabulary right);

        /** Ranges one after another. */
        private static Vocabulary ordered(Vocabulary right, List<Range> ranges) {
            List<Range> laid = new ArrayList<>();
            int next = 0;
            for (Range range : ranges) {
                laid.add(new Range(range.type(), next, range.count(), range.firstValue()));
                next += range.count();
            }
            return new Vocabulary(right.task(), next, right.pad(), right.end(), laid);
        }
    }

    /** The right one but for its vocabulary. */
    private record Ill(Vocabulary vocabulary) implements Tokenizer {
        @Override
        public String id() {
            return RIGHT.id();
        }

        @Override
        public String description() {
            return "reads ids otherwise";
        }

        @Override
        public int stepsPerSecond() {
            return RIGHT.stepsPerSecond();
        }

        @Override
        public double segmentSeconds() {
            return RIGHT.segmentSeconds();
        }

        @Override
        public double segmentStart(double seconds) {
            return RIGHT.segmentStart(seconds);
        }

        @Override
        public List<Event> events(IntList ids) {
            List<Event> events = new ArrayList<>();
            for (int id : ids.toArray()) {
                events.add(vocabulary.ranges().stream()
                        .filter(range -> id >= range.firstId() && id < range.firstId() + range.count())
                        .map(range -> new Event(range.type(), id - range.firstId() + range.firstValue()))
                        .findFirst()
                        .orElse(new Event("invalid", id)));
            }
            return events;
        }

        @Override
        public IntList ids(List<Event> events) {
            return RIGHT.ids(events);
        }

        @Override
        public Grammar grammar() {
            return RIGHT.grammar();
        }
    }

    private static List<Finding> ofVocabulary(Tokenizer tokenizer) {
        Parts parts = new Parts();
        for (CheckpointFormat format : Checkpoints.builtIn().formats()) {
            parts.add(CheckpointFormat.class, format, "1.0.0", 0);
        }
        parts.add(ModelFamily.class, new Mt3Family(), "1.0.0", 0);
        parts.add(Tokenizer.class, tokenizer, "1.0.0", 0);
        Execution execution = new Execution("cpu", "cpu", 1);
        try (Workbench workbench = new Workbench(parts, new ModelCatalog(List.of(MODELS)), execution)) {
            Diagnosis diagnosis = new Doctor(workbench)
                    .examine(
                            new Doctor.Question(
                                    MODELS.resolve("mt3-tiny/checkpoint.safetensors"), "mt3-tiny", null, null, null),
                            (what, done, total) -> {},
                            Cancellation.NONE);
            return diagnosis.findings().stream()
                    .filter(finding -> finding.stage() == Stage.VOCABULARY
                            && finding.what().startsWith("the tokenizer"))
                    .toList();
        }
    }

    @Test
    void theRightOneIsNotAccused() {
        assertEquals(List.of(), ofVocabulary(RIGHT));
    }

    @ParameterizedTest
    @EnumSource
    void anotherReadingIsNamed(Fault fault) {
        List<Finding> findings = ofVocabulary(new Ill(fault.vocabulary(RIGHT.vocabulary())));
        assertEquals(1, findings.size(), findings.toString());
        assertEquals(
                "the tokenizer reads other ids than the model was trained on",
                findings.get(0).what());
    }
}
