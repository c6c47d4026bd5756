package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** How a tensor is made of those that a checkpoint stores. */
sealed interface Recipe {
    /** What comes out, under its present name. */
    TensorInfo tensor();

    /**
     * Makes it.
     *
     * @param stored gives the bytes of a stored tensor
     */
    ByteBuffer make(Function<String, ByteBuffer> stored);

    /** The stored tensors that it is made of, and the steps that each goes through. */
    Map<String, List<String>> steps();

    /** Whether it has the very bytes of a stored tensor. */
    default boolean isCopy() {
        return steps().values().stream().allMatch(List::isEmpty);
    }

    /** The steps of a stored tensor as text. */
    static String text(List<String> steps) {
        return steps.isEmpty() ? "copy" : String.join("; ", steps);
    }

    private static Map<String, List<String>> extended(Map<String, List<String>> steps, String step) {
        Map<String, List<String>> extended = new LinkedHashMap<>();
        steps.forEach((name, before) -> {
            List<String> all = new ArrayList<>(before);
            all.add(step);
            extended.put(name, all);
        });
        return extended;
    }

    /** A stored tensor as it is. */
    record Stored(TensorInfo tensor) implements Recipe {
        @Override
        public ByteBuffer make(Function<String, ByteBuffer> stored) {
            return stored.apply(tensor.name()).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public Map<String, List<String>> steps() {
            return Map.of(tensor.name(), List.of());
        }
    }

    /** Another name, and its axes in another order or of other sizes. */
    record Changed(Recipe from, Transform by, TensorInfo tensor) implements Recipe {
        /** @throws IllegalArgumentException if the transform does not fit, with what is wrong */
        Changed(Recipe from, Transform by, String name) {
            this(
                    from,
                    by,
                    new TensorInfo(name, by.shape(from.tensor()), from.tensor().dtype()));
        }

        @Override
        public ByteBuffer make(Function<String, ByteBuffer> stored) {
            return by.apply(from.tensor(), from.make(stored));
        }

        @Override
        public Map<String, List<String>> steps() {
            return by.isCopy() ? from.steps() : extended(from.steps(), by.toString());
        }
    }

    /** One of equal parts. */
    record Part(Recipe from, int axis, int number, int parts) implements Recipe {
        /** @throws IllegalArgumentException if it cannot be cut like that, with what is wrong */
        public Part {
            List<Long> shape = from.tensor().shape();
            if (axis >= shape.size() || shape.get(axis) % parts != 0) {
                throw new IllegalArgumentException(
                        "axis " + axis + " of the shape " + shape + " cannot be split into " + parts + " equal parts");
            }
        }

        @Override
        public TensorInfo tensor() {
            List<Long> shape = new ArrayList<>(from.tensor().shape());
            shape.set(axis, shape.get(axis) / parts);
            return new TensorInfo(
                    from.tensor().name(), List.copyOf(shape), from.tensor().dtype());
        }

        @Override
        public ByteBuffer make(Function<String, ByteBuffer> stored) {
            ByteBuffer whole = from.make(stored);
            int run = run(tensor(), axis);
            ByteBuffer part = ByteBuffer.allocate(whole.limit() / parts).order(ByteOrder.LITTLE_ENDIAN);
            for (int at = 0; at < part.limit(); at += run) {
                part.put(at, whole, at * parts + number * run, run);
            }
            return part;
        }

        @Override
        public Map<String, List<String>> steps() {
            return extended(from.steps(), "split " + axis + " " + (number + 1) + "/" + parts);
        }
    }

    /** Equal tensors, one after another along an axis. */
    record Stacked(List<Recipe> of, int axis, String name) implements Recipe {
        /** @throws IllegalArgumentException if they are not equal in shape and type, with what is wrong */
        public Stacked {
            TensorInfo first = of.get(0).tensor();
            for (Recipe each : of) {
                TensorInfo other = each.tensor();
                if (!other.shape().equals(first.shape()) || other.dtype() != first.dtype()) {
                    throw new IllegalArgumentException("it cannot be stacked with a tensor of shape " + other.shape()
                            + " and type " + other.dtype() + ", its own are " + first.shape() + " and "
                            + first.dtype());
                }
            }
            if (axis >= first.shape().size()) {
                throw new IllegalArgumentException("the shape " + first.shape() + " has no axis " + axis);
            }
            // Of an empty tensor, an axis alone may be too long.
            if (first.shape().get(axis) > Long.MAX_VALUE / of.size()
                    || Shapes.bytes(stacked(first, axis, of.size()), first.dtype()) < 0
                    || Shapes.bytes(stacked(first, axis, of.size()), first.dtype()) > FileBytes.MAX_ARRAY) {
                throw new IllegalArgumentException(
                        of.size() + " tensors of the shape " + first.shape() + " do not fit one buffer when stacked");
            }
        }

        @Override
        public TensorInfo tensor() {
            TensorInfo first = of.get(0).tensor();
            return new TensorInfo(name, stacked(first, axis, of.size()), first.dtype());
        }

        private static List<Long> stacked(TensorInfo first, int axis, int count) {
            List<Long> shape = new ArrayList<>(first.shape());
            shape.set(axis, shape.get(axis) * count);
            return List.copyOf(shape);
        }

        @Override
        public ByteBuffer make(Function<String, ByteBuffer> stored) {
            int run = run(of.get(0).tensor(), axis);
            ByteBuffer whole = ByteBuffer.allocate(Math.toIntExact(Shapes.bytes(tensor().shape(), tensor().dtype())))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int number = 0; number < of.size(); number++) {
                ByteBuffer part = of.get(number).make(stored);
                for (int at = 0; at < part.limit(); at += run) {
                    whole.put(at * of.size() + number * run, part, at, run);
                }
            }
            return whole;
        }

        @Override
        public Map<String, List<String>> steps() {
            Map<String, List<String>> steps = new LinkedHashMap<>();
            for (int number = 0; number < of.size(); number++) {
                steps.putAll(extended(of.get(number).steps(), "stack " + axis + " " + (number + 1) + "/" + of.size()));
            }
            return steps;
        }
    }

    /** Another floating-point type. */
    record Cast(Recipe from, DType to) implements Recipe {
        @Override
        public TensorInfo tensor() {
            return new TensorInfo(from.tensor().name(), from.tensor().shape(), to);
        }

        @Override
        public ByteBuffer make(Function<String, ByteBuffer> stored) {
            return Floats.cast(from.tensor(), from.make(stored), to);
        }

        @Override
        public Map<String, List<String>> steps() {
            return extended(from.steps(), "to " + to);
        }
    }

    /** Bytes that lie together in a part, from one index of an axis's outer axes to the next. */
    private static int run(TensorInfo part, int axis) {
        List<Long> inner = part.shape().subList(axis, part.shape().size());
        // More than fits an int is of a tensor that is empty.
        return (int) Math.min(FileBytes.MAX_ARRAY, Math.max(1, Shapes.bytes(inner, part.dtype())));
    }

    /** Names of the stored tensors that it is made of, for an error. */
    default String storedNames() {
        return steps().keySet().stream().map(name -> "'" + name + "'").collect(Collectors.joining(" and "));
    }
}
