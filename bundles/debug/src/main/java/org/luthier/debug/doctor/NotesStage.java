package org.luthier.debug.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.model.FrameModel;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Settings;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Looks at the notes of a frame model, and counts those of every model. */
final class NotesStage {
    /** More notes a second than any music has. */
    private static final double ABSURD = 200;

    private final FrameModel model;
    private final FrameNoteAssembler assembler;
    private final String next;
    private final Notebook notes;
    private final List<Posteriorgram> joined = new ArrayList<>();
    private int frames;

    NotesStage(FrameModel model, FrameNoteAssembler assembler, int segments, String next, Notebook notes) {
        this.model = model;
        this.assembler = assembler;
        this.next = next;
        this.notes = notes;
        int kept = segments * kept();
        for (FrameLayout.Output output : model.layout().outputs()) {
            joined.add(new Posteriorgram(output.name(), kept, output.bins(), new float[kept * output.bins()]));
        }
    }

    private int kept() {
        return model.joining().segmentFrames() - 2 * model.joining().trim();
    }

    /** Takes the outputs of the next segment, each [1, segment frames, bins]. */
    void add(List<INDArray> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            Posteriorgram whole = joined.get(i);
            try (INDArray copy = outputs.get(i).castTo(DataType.FLOAT).dup('c')) {
                System.arraycopy(
                        copy.data().asFloat(),
                        model.joining().trim() * whole.bins(),
                        whole.values(),
                        frames * whole.bins(),
                        kept() * whole.bins());
            }
        }
        frames += kept();
    }

    void examine(double seconds, Cancellation cancellation) {
        notes.examine(Stage.NOTES);
        List<Note> found = assembler.assemble(
                new Posteriorgrams(model.layout(), model.joining().clock(), joined),
                Settings.defaults(assembler),
                cancellation);
        if (found.isEmpty()) {
            notes.find(
                    Stage.NOTES,
                    "no notes, though there is sound",
                    "there is nothing in it that the model knows, or a layer behind the front end is wrong",
                    "largest values: "
                            + joined.stream()
                                    .map(output -> output.name() + Notebook.format(" %.3f", largest(output)))
                                    .collect(Collectors.joining(", ")),
                    next);
        }
        tooMany(found.size(), seconds, next, notes);
    }

    private static float largest(Posteriorgram output) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float value : output.values()) {
            largest = Math.max(largest, value);
        }
        return largest;
    }

    static void tooMany(int count, double seconds, String next, Notebook notes) {
        if (count > ABSURD * Math.max(1, seconds)) {
            notes.find(
                    Stage.NOTES,
                    "more notes than any music has",
                    "what the model gives is noise: a layer is wrong",
                    Notebook.format("%d notes in %.1f s", count, seconds),
                    next);
        }
    }
}
