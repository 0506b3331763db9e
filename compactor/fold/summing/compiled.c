/* Summing rows to cells in C: what interpreted.py says in NumPy, bit for bit, at a fraction of its cost.

   Rows are many, so they are borrowed, not copied: no other thread may write to them meanwhile. If
   one did, cells would be wrong, but still nothing would be read or written beyond an array, and all
   loops would end. Where the cells start is copied first, and the copy is checked. The work itself
   calls nothing of Python and runs without the interpreter's lock.

   Each sum, product and quotient of interpreted.py is rounded by itself, so here, too: no
   multiplication is fused with an addition (-ffp-contract=off), no intermediate is wider than a
   double, and sums are taken in the same order.

   Which field of a cell lies where is not known here: Python says it, by the names below.

   Only Python's stable ABI is used: one build serves CPython 3.11 and all that follow. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0 || defined(__FAST_MATH__)
#error "each operation must round to a double, as NumPy's do; interpreted.py is used elsewhere"
#endif

#define CONTRACT 1     /* what Python expects here: summing/__init__.py has the same number */
#define BITS 40        /* this and the next three as in exact.py */
#define STEEP 1000
#define PIECE 0x1p40
#define FAINT (-900)   /* the exponent */
#define PIECES 32      /* no value has more: 28 lie between 2^40 and the least of all floats */
#define CHAINS 3       /* values, faint ones beside them, and faint ones beside those */
#define ROUND 0x1.8p52 /* added to a number below 2^51, it rounds it to a whole one, halves to even */

enum { STEP, POSITION, EPOCH, TIME, VALUE, ROW_FIELDS };

static const char *const row_names[] = {"step", "position", "epoch", "time", "value", NULL};

enum {
    LINE, ROWS, FINITE, NOT_A_NUMBER, ABOVE, BELOW, STRETCHES,
    MEAN, SQUARE, ALONG, SPREAD, PRODUCT, BEGIN, END,
    FIRST, LAST, LATEST, LEAST, GREATEST, LEAST_END, GREATEST_END, BROKEN, /* rows, each of them */
    CELL_FIELDS
};

static const char *const cell_names[] = {
    "line", "rows", "finite", "nan", "above", "below", "stretches",
    "mean", "square", "along", "spread", "product", "begin", "end",
    "first", "last", "latest", "least", "greatest", "least_end", "greatest_end", "broken",
    NULL};

static const char *const term_names[] = {"cell", "exponent", "amount", NULL};

/* A piece of a cell's exact sum. */
typedef struct {
    int64_t cell, exponent, amount;
} Term;

/* What one look at its rows says of a cell. */
typedef struct {
    Py_ssize_t begin, end; /* its rows */
    int64_t finite, nan, above, below, stretches;
    uint64_t near, far; /* the sums of the halves of the steps' distances to the first row's */
    double least, greatest;
    Py_ssize_t broken; /* the first row without a finite value */
} Cell;

/* What is at work. */
typedef struct {
    Py_ssize_t count; /* of rows */
    const int64_t *line, *step, *position, *epoch, *time;
    const double *value;
    int in_order;
    int64_t *starts; /* of the cells, and the end of the last one */
    Py_ssize_t cells_count;
    char *cells;                    /* column by column */
    Py_ssize_t places[CELL_FIELDS]; /* which of the columns is a field's, or its first */
    Py_ssize_t row_places[ROW_FIELDS];
    Term *terms;
    Py_ssize_t terms_count, terms_room;
} Summing;

/* ------------------------------------------------------------------ what is written */

static void
put(const Summing *here, Py_ssize_t column, Py_ssize_t cell, const void *number)
{
    memcpy(here->cells + (column * here->cells_count + cell) * 8, number, 8);
}

static void
put_count(const Summing *here, int field, Py_ssize_t cell, int64_t count)
{
    put(here, here->places[field], cell, &count);
}

static void
put_float(const Summing *here, int field, Py_ssize_t cell, double number)
{
    put(here, here->places[field], cell, &number);
}

static void
put_row(const Summing *here, int field, Py_ssize_t cell, Py_ssize_t at)
{
    const void *numbers[ROW_FIELDS] = {
        [STEP] = here->step + at, [POSITION] = here->position + at, [EPOCH] = here->epoch + at,
        [TIME] = here->time + at, [VALUE] = here->value + at,
    };
    for (int each = 0; each < ROW_FIELDS; each++) {
        put(here, here->places[field] + here->row_places[each], cell, numbers[each]);
    }
}

/* -------------------------------------------------------------- counts, chosen rows */

static int
is_finite(double value)
{
    return fabs(value) <= DBL_MAX;
}

/* How far one step is above another; together they may span all of 64 bits. */
static double
distance(int64_t high, int64_t low)
{
    return (double)((uint64_t)high - (uint64_t)low);
}

/* Count the rows of a cell, add up their steps, and find its extremes. */
static void
look(const Summing *here, Cell *cell)
{
    const double *values = here->value;
    uint64_t origin = (uint64_t)here->step[cell->begin], near = 0, far = 0;
    Py_ssize_t gone = cell->begin - 2; /* the last row without a finite value */
    double least = INFINITY, greatest = -INFINITY;
    for (Py_ssize_t at = cell->begin; at < cell->end; at++) {
        double value = values[at];
        if (is_finite(value)) {
            uint64_t away = (uint64_t)here->step[at] - origin;
            near += away & UINT32_MAX;
            far += away >> 32;
            least = value < least ? value : least;
            greatest = value > greatest ? value : greatest;
            cell->finite++;
        }
        else {
            cell->nan += value != value;
            cell->above += value > 0;
            cell->below += value < 0;
            cell->stretches += gone != at - 1;
            cell->broken = cell->broken < 0 ? at : cell->broken;
            gone = at;
        }
    }
    cell->near = near;
    cell->far = far;
    cell->least = least;
    cell->greatest = greatest;
}

/* Write down the first and the last row in the log with a value that is there. */
static void
put_extreme(const Summing *here, Py_ssize_t number, const Cell *cell, double value, int first_field,
            int last_field)
{
    const int64_t *position = here->position;
    Py_ssize_t first = cell->begin, last = cell->end - 1;
    while (first < last && here->value[first] != value) {
        first++;
    }
    while (last > first && here->value[last] != value) {
        last--;
    }
    if (!here->in_order) {
        Py_ssize_t begin = first, end = last;
        last = first;
        for (Py_ssize_t at = begin; at <= end; at++) {
            if (here->value[at] == value) {
                first = position[at] < position[first] ? at : first;
                last = position[at] > position[last] ? at : last;
            }
        }
    }
    put_row(here, first_field, number, first);
    put_row(here, last_field, number, last);
}

/* Write down when a cell begins and ends, and its last row in the log. */
static void
put_times(const Summing *here, Py_ssize_t number, const Cell *cell)
{
    Py_ssize_t latest = cell->end - 1;
    int64_t begin = here->time[cell->begin], end = here->time[latest];
    if (!here->in_order) {
        latest = cell->begin;
        for (Py_ssize_t at = cell->begin; at < cell->end; at++) {
            latest = here->position[at] > here->position[latest] ? at : latest;
            begin = here->time[at] < begin ? here->time[at] : begin;
            end = here->time[at] > end ? here->time[at] : end;
        }
    }
    put_row(here, LATEST, number, latest);
    put_count(here, BEGIN, number, begin);
    put_count(here, END, number, end);
}

static void
put_cell(const Summing *here, Py_ssize_t number, const Cell *cell)
{
    put_count(here, LINE, number, here->line[cell->begin]);
    put_count(here, ROWS, number, cell->end - cell->begin);
    put_count(here, FINITE, number, cell->finite);
    put_count(here, NOT_A_NUMBER, number, cell->nan);
    put_count(here, ABOVE, number, cell->above);
    put_count(here, BELOW, number, cell->below);
    put_count(here, STRETCHES, number, cell->stretches);
    put_row(here, FIRST, number, cell->begin);
    put_row(here, LAST, number, cell->end - 1);
    put_times(here, number, cell);
    if (cell->broken >= 0) {
        put_row(here, BROKEN, number, cell->broken);
    }
    if (cell->finite > 0) {
        put_extreme(here, number, cell, cell->least, LEAST, LEAST_END);
        put_extreme(here, number, cell, cell->greatest, GREATEST, GREATEST_END);
    }
}

/* -------------------------------------------------------------------- the exact sum */

/* Make room for all terms that one more cell can have; -1 if there is no memory. */
static int
reserve(Summing *here)
{
    if (here->terms_room - here->terms_count >= CHAINS * PIECES) {
        return 0;
    }
    Py_ssize_t room = 2 * here->terms_room + CHAINS * PIECES;
    Term *terms = realloc(here->terms, (size_t)room * sizeof(Term));
    if (terms == NULL) {
        return -1;
    }
    here->terms = terms;
    here->terms_room = room;
    return 0;
}

/* Keep a cell's terms in decreasing exponents; among equals the one that came last is first. */
static void
add_term(Summing *here, Py_ssize_t first, Term term)
{
    Py_ssize_t place = here->terms_count++;
    for (; place > first && here->terms[place - 1].exponent <= term.exponent; place--) {
        here->terms[place] = here->terms[place - 1];
    }
    here->terms[place] = term;
}

/* Take a whole number off what is left of a value, and scale up the rest of it. Returns the number,
   modulo 2^64. */
static uint64_t
take_piece(double *rest)
{
    const double round = ROUND;
    double raised = *rest + round;
    uint64_t raised_bits, round_bits;
    memcpy(&raised_bits, &raised, 8);
    memcpy(&round_bits, &round, 8);
    *rest = (*rest - (raised - round)) * PIECE;
    return raised_bits - round_bits;
}

/* Cut a cell's values into pieces of forty bits and add these up, piece by piece. Of the values, only
   those below `limit` are meant, all of which are below 2^magnitude. Returns the largest of those
   that are too faint to be scaled with them, or 0. */
static double
cut(const Summing *here, const Cell *cell, double limit, int magnitude, uint64_t *amounts)
{
    /* scaled down, what is very small beside the largest could vanish */
    double faint = magnitude > BITS ? ldexp(1.0, FAINT + magnitude - BITS) : 0.0;
    int shift = BITS - magnitude, half = shift < STEEP ? shift : STEEP;
    double scale = ldexp(1.0, half), more = ldexp(1.0, shift - half), left = 0.0;
    uint64_t first = 0, second = 0; /* hardly ever are there more pieces */
    for (Py_ssize_t at = cell->begin; at < cell->end; at++) {
        double size = fabs(here->value[at]);
        if (size < faint) {
            left = size > left ? size : left;
        }
        else if (size < limit) {
            double rest = here->value[at] * scale * more;
            first += take_piece(&rest);
            second += take_piece(&rest);
            for (int piece = 2; rest != 0.0 && piece < PIECES; piece++) {
                amounts[piece] += take_piece(&rest);
            }
        }
    }
    amounts[0] = first;
    amounts[1] = second;
    return left;
}

/* Add the terms of a cell's sum; `largest` is the largest magnitude. */
static void
add_terms(Summing *here, Py_ssize_t number, const Cell *cell, double largest)
{
    Py_ssize_t first = here->terms_count;
    double limit = INFINITY;
    for (int chain = 0; chain < CHAINS && (chain == 0 || largest > 0.0); chain++) {
        uint64_t amounts[PIECES] = {0};
        int magnitude;
        frexp(largest, &magnitude);
        largest = cut(here, cell, limit, magnitude, amounts);
        limit = ldexp(1.0, FAINT + magnitude - BITS);
        for (int piece = 0; piece < PIECES; piece++) {
            if (amounts[piece] != 0) {
                int64_t amount, exponent = magnitude - BITS * (piece + 1);
                memcpy(&amount, &amounts[piece], 8);
                add_term(here, first, (Term){number, exponent, amount});
            }
        }
    }
}

/* ------------------------------------------------------------------------ moments */

/* The mean of a cell, nearly rounded, from its terms. */
static double
mean_of(const Summing *here, Py_ssize_t first, const Cell *cell)
{
    int down; /* the sum may be more than a float can be, the mean is not */
    double count = (double)cell->finite, sum = 0.0;
    frexp(count, &down);
    for (Py_ssize_t at = first; at < here->terms_count; at++) {
        sum += ldexp((double)here->terms[at].amount, (int)here->terms[at].exponent - down);
    }
    double mean = ldexp(sum / count, down);
    mean = mean < cell->least ? cell->least : mean;
    return mean > cell->greatest ? cell->greatest : mean;
}

static void
put_moments(const Summing *here, Py_ssize_t number, const Cell *cell, double mean)
{
    int64_t origin = here->step[cell->begin];
    double along = ((double)cell->far * 0x1p32 + (double)cell->near) / (double)cell->finite;
    double square = 0.0, spread = 0.0, product = 0.0;
    for (Py_ssize_t at = cell->begin; at < cell->end; at++) {
        if (is_finite(here->value[at])) {
            double off = here->value[at] - mean;
            double away = distance(here->step[at], origin) - along;
            square += off * off;
            spread += away * away;
            product += off * away;
        }
    }
    put_float(here, MEAN, number, mean);
    put_float(here, ALONG, number, along);
    put_float(here, SQUARE, number, square);
    put_float(here, SPREAD, number, spread);
    put_float(here, PRODUCT, number, product);
}

/* Fill in all cells; -1 if there is no memory. */
static int
sum(Summing *here)
{
    for (Py_ssize_t number = 0; number < here->cells_count; number++) {
        Cell cell = {
            .begin = (Py_ssize_t)here->starts[number],
            .end = (Py_ssize_t)here->starts[number + 1],
            .broken = -1,
        };
        look(here, &cell);
        put_cell(here, number, &cell);
        if (cell.finite > 0) {
            double low = fabs(cell.least), high = fabs(cell.greatest);
            Py_ssize_t first = here->terms_count;
            if (reserve(here) < 0) {
                return -1;
            }
            add_terms(here, number, &cell, low > high ? low : high);
            put_moments(here, number, &cell, mean_of(here, first, &cell));
        }
    }
    return 0;
}

/* ---------------------------------------------------------------------- arguments */

enum { LINES = ROW_FIELDS, STARTS, CELLS, ARRAYS }; /* the arrays behind the rows' own columns */

/* Borrow an array's memory; -1 with an exception if its numbers are not of this format, or lie in
   fewer or more dimensions. */
static int
borrow(PyObject *array, Py_buffer *buffer, const char *name, const char *formats, int dimensions,
       int flags)
{
    if (PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | flags) < 0) {
        return -1;
    }
    const char *format = buffer->format != NULL ? buffer->format : "B";
    if (buffer->ndim != dimensions || strlen(format) != 1 || strchr(formats, format[0]) == NULL
        || buffer->itemsize != 8) {
        PyErr_Format(PyExc_ValueError, "%s must be of format '%s', in %d dimensions", name, formats,
                     dimensions);
        return -1;
    }
    return 0;
}

/* Borrow the columns of the rows, and check that they are equally long; -1 with an exception. */
static int
take_rows(Summing *here, PyObject *line, PyObject *rows, Py_buffer *buffers)
{
    if (PyTuple_Size(rows) != ROW_FIELDS) {
        PyErr_Format(PyExc_ValueError, "rows must have %d columns", ROW_FIELDS);
        return -1;
    }
    if (borrow(line, &buffers[LINES], "line", "lq", 1, 0) < 0) {
        return -1;
    }
    here->count = buffers[LINES].shape[0];
    for (int each = 0; each < ROW_FIELDS; each++) {
        if (borrow(PyTuple_GetItem(rows, each), &buffers[each], row_names[each],
                   each == VALUE ? "d" : "lq", 1, 0) < 0) {
            return -1;
        }
        if (buffers[each].shape[0] != here->count) {
            PyErr_Format(PyExc_ValueError, "%s must be of length %zd", row_names[each], here->count);
            return -1;
        }
    }
    here->line = buffers[LINES].buf;
    here->step = buffers[STEP].buf;
    here->position = buffers[POSITION].buf;
    here->epoch = buffers[EPOCH].buf;
    here->time = buffers[TIME].buf;
    here->value = buffers[VALUE].buf;
    return 0;
}

/* Copy where the cells start, and check it; -1 with an exception. */
static int
take_starts(Summing *here, PyObject *starts, Py_buffer *buffer)
{
    if (borrow(starts, buffer, "starts", "lq", 1, 0) < 0) {
        return -1;
    }
    Py_ssize_t count = here->cells_count = buffer->shape[0];
    if ((here->starts = malloc(((size_t)count + 1) * sizeof(int64_t))) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(here->starts, buffer->buf, (size_t)count * sizeof(int64_t));
    here->starts[count] = here->count;
    if (here->starts[0] != 0) {
        PyErr_SetString(PyExc_ValueError, "starts must begin with 0");
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        if (here->starts[at] >= here->starts[at + 1]) {
            PyErr_Format(PyExc_ValueError, "starts must rise, up to the last row; see %zd", at);
            return -1;
        }
    }
    return 0;
}

/* Learn in which columns some fields are; -1 with an exception. */
static int
take_places(PyObject *given, Py_ssize_t *places, int count)
{
    if (PyTuple_Size(given) != count) {
        PyErr_Format(PyExc_ValueError, "%d places are needed", count);
        return -1;
    }
    for (int each = 0; each < count; each++) {
        places[each] = PyLong_AsSsize_t(PyTuple_GetItem(given, each));
        if (places[each] == -1 && PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* Borrow the cells, and check that each field has its place; -1 with an exception. */
static int
take_cells(Summing *here, PyObject *cells, Py_buffer *buffer)
{
    if (borrow(cells, buffer, "cells", "lq", 2, PyBUF_WRITABLE) < 0) {
        return -1;
    }
    if (buffer->shape[1] != here->cells_count) {
        PyErr_Format(PyExc_ValueError, "cells must be %zd", here->cells_count);
        return -1;
    }
    Py_ssize_t widest = 0, most = buffer->shape[0];
    int fits = 1;
    for (int each = 0; each < ROW_FIELDS; each++) {
        fits &= here->row_places[each] >= 0 && here->row_places[each] < most;
        widest = here->row_places[each] > widest ? here->row_places[each] : widest;
    }
    for (int each = 0; fits && each < CELL_FIELDS; each++) {
        fits &= here->places[each] >= 0
                && here->places[each] < most - (each < FIRST ? 0 : widest);
    }
    if (!fits) {
        PyErr_Format(PyExc_ValueError, "a place is not among the %zd columns", most);
        return -1;
    }
    here->cells = buffer->buf;
    return 0;
}

/* The terms, column by column; NULL with an exception. */
static PyObject *
packed(const Summing *here)
{
    Py_ssize_t count = here->terms_count;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, 3 * count * 8);
    if (bytes == NULL) {
        return NULL;
    }
    char *memory = PyBytes_AsString(bytes);
    for (Py_ssize_t at = 0; at < count; at++) {
        memcpy(memory + at * 8, &here->terms[at].cell, 8);
        memcpy(memory + (count + at) * 8, &here->terms[at].exponent, 8);
        memcpy(memory + (2 * count + at) * 8, &here->terms[at].amount, 8);
    }
    return bytes;
}

static PyObject *
summed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *line, *rows, *starts, *cells, *places, *row_places, *terms = NULL;
    Py_buffer buffers[ARRAYS] = {0};
    Summing here = {0};
    if (PyArg_ParseTuple(args, "OO!OpOO!O!:sum", &line, &PyTuple_Type, &rows, &starts,
                         &here.in_order, &cells, &PyTuple_Type, &places, &PyTuple_Type, &row_places)
        && take_rows(&here, line, rows, buffers) == 0
        && take_starts(&here, starts, &buffers[STARTS]) == 0
        && take_places(places, here.places, CELL_FIELDS) == 0
        && take_places(row_places, here.row_places, ROW_FIELDS) == 0
        && take_cells(&here, cells, &buffers[CELLS]) == 0) {
        int failed;
        Py_BEGIN_ALLOW_THREADS
        failed = sum(&here);
        Py_END_ALLOW_THREADS
        terms = failed ? PyErr_NoMemory() : packed(&here);
    }
    for (int each = 0; each < ARRAYS; each++) {
        PyBuffer_Release(&buffers[each]); /* of one that was never borrowed, nothing */
    }
    free(here.starts);
    free(here.terms);
    return terms;
}

/* --------------------------------------------------------------------- the module */

static PyMethodDef module_methods[] = {
    {"sum", summed, METH_VARARGS,
     "sum(line, rows, starts, in_order, cells, places, row_places) -> terms, as bytes"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "compiled",
    .m_doc = "Summing in C.",
    .m_size = 0,
    .m_methods = module_methods,
};

/* Say in which order fields are meant; -1 with an exception. */
static int
add_names(PyObject *module, const char *attribute, const char *const *names)
{
    Py_ssize_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t at = 0; tuple != NULL && at < count; at++) {
        PyObject *name = PyUnicode_FromString(names[at]);
        if (name == NULL || PyTuple_SetItem(tuple, at, name) < 0) {
            Py_CLEAR(tuple);
        }
    }
    int result = tuple != NULL ? PyModule_AddObjectRef(module, attribute, tuple) : -1;
    Py_XDECREF(tuple);
    return result;
}

PyMODINIT_FUNC
PyInit_compiled(void)
{
    PyObject *module = PyModule_Create(&module_def);
    if (module != NULL
        && (PyModule_AddIntConstant(module, "CONTRACT", CONTRACT) < 0
            || add_names(module, "ROW", row_names) < 0 || add_names(module, "CELL", cell_names) < 0
            || add_names(module, "TERM", term_names) < 0)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
