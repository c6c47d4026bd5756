package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** What a name rule does to a tensor: steps of {@code transpose A B ...}, {@code reshape A B ...} and {@code squeeze}. */
final class Transform {
    /** Changes nothing. */
    static final Transform COPY = new Transform(List.of());

    private final List<Step> steps;

    private record Step(String kind, List<Long> numbers) {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(kind);
            numbers.forEach(number -> text.append(' ').append(number));
            return text.toString();
        }
    }

    private Transform(List<Step> steps) {
        this.steps = steps;
    }

    /** @throws IllegalArgumentException if a step is none, with what is wrong */
    static Transform parse(List<String> texts) {
        List<Step> steps = new ArrayList<>();
        for (String text : texts) {
            String[] words = text.split(" ");
            List<Long> numbers =
                    Arrays.stream(words).skip(1).map(Transform::number).toList();
            boolean valid = switch (words[0]) {
                case "transpose" -> isPermutation(numbers);
                case "reshape" -> true;
                case "squeeze" -> numbers.isEmpty();
                default -> false;
            };
            if (!valid) {
                throw new IllegalArgumentException(
                        "expected 'transpose', then each axis once, 'reshape', then the sizes," + " or 'squeeze', got '"
                                + text + "'");
            }
            steps.add(new Step(words[0], numbers));
        }
        return new Transform(List.copyOf(steps));
    }

    private static long number(String word) {
        long number = word.matches("\\d{1,18}") ? Long.parseLong(word) : -1;
        if (number < 0) {
            throw new IllegalArgumentException("expected a whole number, got '" + word + "'");
        }
        return number;
    }

    private static boolean isPermutation(List<Long> axes) {
        if (axes.size() > Shapes.MAX_RANK) {
            return false;
        }
        for (long axis = 0; axis < axes.size(); axis++) {
            if (!axes.contains(axis)) {
                return false;
            }
        }
        return true;
    }

    boolean isCopy() {
        return steps.isEmpty();
    }

    /**
     * What undoes this.
     *
     * @throws IllegalArgumentException if a step forgets what it would need
     */
    Transform inverse() {
        List<Step> inverse = new ArrayList<>();
        for (Step step : steps) {
            if (!step.kind().equals("transpose")) {
                throw new IllegalArgumentException("'" + step + "' cannot be undone");
            }
            List<Long> axes = new ArrayList<>();
            for (long axis = 0; axis < step.numbers().size(); axis++) {
                axes.add((long) step.numbers().indexOf(axis));
            }
            inverse.add(0, new Step(step.kind(), List.copyOf(axes)));
        }
        return new Transform(List.copyOf(inverse));
    }

    /**
     * The shape that comes out.
     *
     * @throws IllegalArgumentException if a step does not fit, with what is wrong
     */
    List<Long> shape(TensorInfo tensor) {
        List<Long> shape = tensor.shape();
        for (Step step : steps) {
            shape = shape(shape, step);
        }
        return shape;
    }

    /** The bytes that come out; may be the ones that went in. */
    ByteBuffer apply(TensorInfo tensor, ByteBuffer bytes) {
        List<Long> shape = tensor.shape();
        ByteBuffer result = bytes;
        for (Step step : steps) {
            if (step.kind().equals("transpose")) {
                int[] axes = step.numbers().stream().mapToInt(Long::intValue).toArray();
                result = Transpose.apply(result, shape, tensor.dtype().bytes(), axes);
            }
            shape = shape(shape, step);
        }
        return result;
    }

    private static List<Long> shape(List<Long> shape, Step step) {
        return switch (step.kind()) {
            case "transpose" -> {
                if (step.numbers().size() != shape.size()) {
                    throw new IllegalArgumentException("'" + step + "' does not fit the shape " + shape);
                }
                yield step.numbers().stream()
                        .map(axis -> shape.get(axis.intValue()))
                        .toList();
            }
            case "reshape" -> {
                long elements = Shapes.bytes(shape, DType.U8);
                if (Shapes.bytes(step.numbers(), DType.U8) != elements) {
                    throw new IllegalArgumentException("'" + step + "' does not fit the shape " + shape);
                }
                yield step.numbers();
            }
            default -> shape.stream().filter(size -> size != 1).toList();
        };
    }

    @Override
    public String toString() {
        return isCopy()
                ? "copy"
                : String.join("; ", steps.stream().map(Step::toString).toList());
    }
}
