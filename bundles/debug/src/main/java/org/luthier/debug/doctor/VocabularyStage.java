package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.tokens.Vocabulary;

/**
 * Looks whether the rows of the embedding and of the output matrix are where the vocabulary has its ids.
 *
 * <p>Rows that were never used in training keep the size they had, all alike; rows behind the vocabulary are such rows. So a row behind it
 * that is of another size was trained, and the rows are some places too far; and both matrices have the same rows trained, or one of
 * them is shifted.
 */
final class VocabularyStage {
    /** Fewer rows of padding have no median worth the name. */
    private static final int LEAST_PADDING = 16;

    /**
     * A row is trained if the logarithm of its size is that far from the padding's. Measured on MT3: of padding at most 0.12, of drums, which
     * all are trained, at least 0.3.
     */
    private static final double TRAINED = 0.3;

    /** And that many times farther than half of the padding is: short rows differ more by chance. */
    private static final double BEYOND_CHANCE = 8;

    private static final int FARTHEST = 64;

    private final Examined examined;
    private final TokenLayout layout;
    private final Path path;
    private final Notebook notes;

    VocabularyStage(Examined examined, TokenLayout layout, Path path, Notebook notes) {
        this.examined = examined;
        this.layout = layout;
        this.path = path;
        this.notes = notes;
    }

    /** @param tokenizer what the tokenizer reads; null if there is none */
    void examine(Vocabulary tokenizer) {
        notes.examine(Stage.VOCABULARY);
        if (tokenizer != null && !tokenizer.equals(layout.vocabulary())) {
            notes.find(
                    Stage.VOCABULARY,
                    "the tokenizer reads other ids than the model was trained on",
                    "model.json names a tokenizer of another vocabulary, or describes the vocabulary wrongly",
                    "the model has " + layout.vocabulary().size() + " ids of task "
                            + layout.vocabulary().task() + ", the tokenizer " + tokenizer.size() + " of task "
                            + tokenizer.task(),
                    Notebook.command("model:info", examined.definition().id()));
        }
        TensorInfo embedding = matrix(0);
        TensorInfo output = matrix(1);
        if (embedding != null
                && output != null
                && layout.outputRows() - layout.vocabulary().size() >= LEAST_PADDING) {
            rows(embedding, output);
        }
    }

    /** The only matrix with one row for each id along a dimension, or null. */
    private TensorInfo matrix(int axis) {
        List<TensorInfo> all = examined.tensors().values().stream()
                .filter(tensor -> tensor.shape().size() == 2
                        && tensor.shape().get(axis) == layout.outputRows()
                        && tensor.shape().get(1 - axis) != layout.outputRows())
                .toList();
        return all.size() == 1 ? all.get(0) : null;
    }

    private void rows(TensorInfo embedding, TensorInfo output) {
        boolean[] heard = trained(embedding, 0);
        boolean[] said = trained(output, 1);
        int size = layout.vocabulary().size();
        for (TensorInfo matrix : List.of(embedding, output)) {
            int[] beyond = IntStream.range(size, layout.outputRows())
                    .filter(row -> (matrix == embedding ? heard : said)[row])
                    .toArray();
            if (beyond.length > 0) {
                int last = beyond[beyond.length - 1];
                notes.find(
                        Stage.VOCABULARY,
                        "rows of " + examined.told(matrix.name()) + " behind the " + size + " ids are trained",
                        "the rows are " + Notebook.count(last + 1L - size, "place")
                                + " too far, or the weights are of a larger vocabulary",
                        "the size of " + Notebook.count(beyond.length, "row") + ", the last being " + last
                                + ", is unlike that of the padding",
                        Notebook.inspect(path, examined.weights().sourceName(matrix.name())));
            }
        }
        int best = 0;
        for (int shift = -FARTHEST; shift <= FARTHEST; shift++) {
            best = common(heard, said, shift) > common(heard, said, best) ? shift : best;
        }
        if (best != 0) {
            notes.find(
                    Stage.VOCABULARY,
                    "the rows of the output matrix are shifted against those of the embedding",
                    "one of the two was cut or padded at its beginning: by " + Notebook.count(Math.abs(best), "row"),
                    common(heard, said, best) + " ids are trained in both if the rows of the output are taken "
                            + Notebook.count(Math.abs(best), "place") + (best > 0 ? " later" : " earlier") + ", "
                            + common(heard, said, 0) + " as they are",
                    Notebook.inspect(path, examined.weights().sourceName(output.name())));
        }
    }

    private static int common(boolean[] heard, boolean[] said, int shift) {
        return (int) IntStream.range(Math.max(0, -shift), Math.min(heard.length, heard.length - shift))
                .filter(row -> heard[row] && said[row + shift])
                .count();
    }

    /** Of which ids the vectors along an axis were trained. */
    private boolean[] trained(TensorInfo matrix, int axis) {
        Checkpoint weights = examined.weights().asCheckpoint();
        float[] values = weights.floats(matrix.name());
        int rows = layout.outputRows();
        double[] sizes = new double[rows];
        int columns = matrix.shape().get(1).intValue();
        for (int i = 0; i < values.length; i++) {
            sizes[axis == 0 ? i / columns : i % columns] += (double) values[i] * values[i];
        }
        double usual = median(Arrays.copyOfRange(sizes, layout.vocabulary().size(), rows));
        // Half of the logarithm of the squares' ratio is that of the roots'.
        double[] apart = new double[rows];
        for (int row = 0; row < rows; row++) {
            apart[row] = usual > 0 && sizes[row] > 0 ? Math.abs(Math.log(sizes[row] / usual)) / 2 : 0;
        }
        double chance = median(Arrays.copyOfRange(apart, layout.vocabulary().size(), rows));
        boolean[] trained = new boolean[rows];
        for (int row = 0; row < rows; row++) {
            trained[row] = apart[row] > Math.max(TRAINED, BEYOND_CHANCE * chance);
        }
        return trained;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
