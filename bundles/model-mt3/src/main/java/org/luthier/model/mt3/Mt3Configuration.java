package org.luthier.model.mt3;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.nn.Heads;
import org.luthier.nn.t5.T5Sizes;

/**
 * The configuration of a model.json: what a checkpoint does not say, and what it has to agree with.
 *
 * @param segmentFrames frames of 8 ms in a segment
 * @param sizes of encoder and decoder
 * @param encoderLayers blocks of the encoder
 * @param decoderLayers blocks of the decoder
 * @param outputRows rows of the embedding and of the output matrix, padded ones included
 * @param maxTokens most tokens of a segment, end token included
 * @param vocabulary the ids that mean something
 */
record Mt3Configuration(
        int segmentFrames,
        T5Sizes sizes,
        int encoderLayers,
        int decoderLayers,
        int outputRows,
        int maxTokens,
        Vocabulary vocabulary) {
    /** More than any T5, less than what would overflow a product of two. */
    private static final int MOST = 32768;

    /**
     * Reads the configuration of a definition.
     *
     * @throws LuthierException that names the model, the field, what was expected and what was found
     */
    static Mt3Configuration of(ModelDefinition definition) {
        Fields fields = new Fields("model " + definition.id() + ": configuration", definition.configuration());
        Mt3Configuration read = new Mt3Configuration(
                fields.number("segmentFrames", 1, MOST),
                new T5Sizes(
                        fields.number("model", 4, MOST),
                        new Heads(fields.number("heads", 1, MOST), fields.number("headSize", 1, MOST), 1),
                        fields.number("hidden", 1, MOST)),
                fields.number("encoderLayers", 1, MOST),
                fields.number("decoderLayers", 1, MOST),
                fields.number("outputRows", 1, MOST),
                fields.number("maxTokens", 1, MOST),
                vocabulary(fields.object("vocabulary")));
        fields.finish();
        if (read.sizes().model() % 2 != 0) {
            throw fields.wrong(
                    "model",
                    "an even number (half of it are sines, half cosines)",
                    read.sizes().model());
        }
        if (read.vocabulary().size() > read.outputRows()) {
            throw fields.wrong(
                    "outputRows",
                    "at least the vocabulary's size, " + read.vocabulary().size(),
                    read.outputRows());
        }
        return read;
    }

    private static Vocabulary vocabulary(Fields fields) {
        int size = fields.number("size", 2, MOST);
        Vocabulary vocabulary = new Vocabulary(
                fields.text("task"),
                size,
                fields.number("pad", 0, size - 1),
                fields.number("end", 0, size - 1),
                ranges(fields));
        fields.finish();
        int next = 0;
        for (Vocabulary.Range range : vocabulary.ranges()) {
            if (range.firstId() != next) {
                throw fields.wrong(
                        "ranges", "the range '" + range.type() + "' to begin at id " + next, range.firstId());
            }
            next += range.count();
        }
        if (next != size) {
            throw fields.wrong("ranges", "them to end at the size, " + size, next);
        }
        return vocabulary;
    }

    private static List<Vocabulary.Range> ranges(Fields vocabulary) {
        List<Vocabulary.Range> ranges = new ArrayList<>();
        for (Fields range : vocabulary.objects("ranges")) {
            ranges.add(new Vocabulary.Range(
                    range.text("type"),
                    range.number("firstId", 0, MOST),
                    range.number("count", 1, MOST),
                    range.number("firstValue", 0, MOST)));
            range.finish();
        }
        return List.copyOf(ranges);
    }

    /** The fields of an object: each is asked for, and none is left over. */
    private static final class Fields {
        private final String where;
        private final Map<?, ?> values;
        private final Set<String> known = new LinkedHashSet<>();

        Fields(String where, Map<?, ?> values) {
            this.where = where;
            this.values = values;
        }

        int number(String name, int least, int most) {
            Object value = value(name);
            if (value instanceof Integer number && number >= least && number <= most) {
                return number;
            }
            throw wrong(name, "a whole number from " + least + " to " + most, value);
        }

        String text(String name) {
            Object value = value(name);
            if (value instanceof String text && !text.isBlank()) {
                return text;
            }
            throw wrong(name, "text", value);
        }

        Fields object(String name) {
            return object(name, value(name));
        }

        List<Fields> objects(String name) {
            Object value = value(name);
            if (!(value instanceof List<?> list)) {
                throw wrong(name, "a list of objects", value);
            }
            return list.stream().map(each -> object(name, each)).toList();
        }

        private Fields object(String name, Object value) {
            if (value instanceof Map<?, ?> map) {
                return new Fields(where + ": " + name, map);
            }
            throw wrong(name, "an object", value);
        }

        private Object value(String name) {
            known.add(name);
            return values.get(name);
        }

        void finish() {
            for (Object name : values.keySet()) {
                if (!known.contains(name)) {
                    throw new LuthierException(
                            where + ": " + name + ": unknown field; known are " + String.join(", ", known));
                }
            }
        }

        LuthierException wrong(String name, String expected, Object got) {
            return new LuthierException(where + ": " + name + ": expected " + expected + ", got "
                    + (got == null ? "nothing" : got) + "; correct model.json");
        }
    }
}
